/* Words and names that guessed passwords are built on, as every published list of common passwords has them
 * at its top; compared without digits and signs around them. Lower case, any order. */
#include "tools/password_advice.h"

static const char *const common[] = {
        "password",   "passwort",      "passw0rd",   "qwerty",        "qwertyuiop", "qwertz",
        "asdfgh",     "asdfghjkl",     "zxcvbn",     "zxcvbnm",       "letmein",    "welcome",
        "admin",      "administrator", "root",       "user",          "test",       "testing",
        "guest",      "secret",        "master",     "login",         "access",     "hello",
        "dragon",     "monkey",        "football",   "baseball",      "basketball", "hockey",
        "soccer",     "iloveyou",      "sunshine",   "princess",      "superman",   "batman",
        "trustno",    "shadow",        "michael",    "jennifer",      "jordan",     "hunter",
        "ranger",     "buster",        "charlie",    "andrew",        "daniel",     "thomas",
        "robert",     "george",        "computer",   "internet",      "windows",    "microsoft",
        "google",     "facebook",      "samsung",    "apple",         "linux",      "ubuntu",
        "oracle",     "cisco",         "changeme",   "change",        "default",    "temp",
        "temporary",  "public",        "private",    "security",      "secure",     "server",
        "database",   "backup",        "system",     "manager",       "operator",   "office",
        "company",    "summer",        "winter",     "spring",        "autumn",     "january",
        "february",   "march",         "april",      "june",          "july",       "august",
        "september",  "october",       "november",   "december",      "monday",     "tuesday",
        "wednesday",  "thursday",      "friday",     "saturday",      "sunday",     "london",
        "berlin",     "paris",         "hamburg",    "munich",        "america",    "germany",
        "england",    "france",        "canada",     "freedom",       "liberty",    "liverpool",
        "arsenal",    "chelsea",       "barcelona",  "madrid",        "juventus",   "ferrari",
        "mercedes",   "porsche",       "yankees",    "cowboys",       "lakers",     "steelers",
        "eagles",     "packers",       "pokemon",    "pikachu",       "starwars",   "matrix",
        "naruto",     "minecraft",     "whatever",   "nothing",       "something",  "anything",
        "everything", "cheese",        "banana",     "orange",        "cookie",     "chocolate",
        "coffee",     "pepper",        "ginger",     "flower",        "butterfly",  "rainbow",
        "diamond",    "silver",        "golden",     "purple",        "yellow",     "phoenix",
        "thunder",    "tiger",         "lion",       "eagle",         "falcon",     "dolphin",
        "horse",      "mustang",       "corvette",   "harley",        "killer",     "fuckyou",
        "asshole",    "pussy",         "hannah",     "jessica",       "ashley",     "amanda",
        "nicole",     "matthew",       "joshua",     "william",       "richard",    "joseph",
        "anthony",    "maggie",        "bailey",     "bandit",        "buddy",      "snoopy",
        "tigger",     "winnie",        "mickey",     "donald",        "garfield",   "scooby",
        "merlin",     "gandalf",       "frodo",      "hobbit",        "elvis",      "metallica",
        "nirvana",    "guitar",        "player",     "gamer",         "champion",   "winner",
        "success",    "lovely",        "loveme",     "lovers",        "angel",      "angels",
        "heaven",     "jesus",         "christ",     "tenantadmin",   "hsm",        "cloudhsm",
        "chsm",       "crypto",        "cryptouser", "cryptoofficer", "officer",    "userpin",
        "sopin",      "keystore",      "pkcs",       "softhsm",       "cavium",     "abc",
        "abcd",       "abcdef",        "qazwsx",     "qwe",           "asd",        "zxc",
        "aaa",
};

const char *password_common(size_t i)
{
        return i < sizeof(common) / sizeof(common[0]) ? common[i] : NULL;
}
