/* Usage: guest MODULE TOKEN PIN. Prints TAP. Run by guest.sh against a real node. */
#include "guest.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
        CK_VERSION v30 = { 3, 0 };
        CK_INTERFACE_PTR three;
        CK_C_GetFunctionList list;
        CK_C_GetInterface interface;

        guest.library = argc == 4 ? dlopen(argv[1], RTLD_NOW) : NULL;
        if (!guest.library) {
                printf("Bail out! %s\n", argc == 4 ? dlerror() : "usage: guest MODULE TOKEN PIN");
                return 1;
        }
        guest.token = argv[2];
        guest.pin = argv[3];
        guest.slot = 1;
        *(void **)&list = dlsym(guest.library, "C_GetFunctionList");
        *(void **)&interface = dlsym(guest.library, "C_GetInterface");
        is("the list of functions", list(&guest.f), CKR_OK);
        is("that of 3.0", interface(NULL, &v30, &three, 0), CKR_OK);
        guest.f3 = three->pFunctionList;
        guest_life();
        guest_order();
        guest_extras();
        guest_auth();
        guest_message();
        guest_view();
        guest_threads();
        printf("1..%u\n", guest.count);
        return guest.bad != 0;
}
