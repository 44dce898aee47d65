#include <unistd.h>

#include "command.h"

int
main(int argc, char **argv)
{
    return tg_command_main(argc, argv, environ);
}
