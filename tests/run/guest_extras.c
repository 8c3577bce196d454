#include "guest.h"
void guest_extras(void)
{
}
