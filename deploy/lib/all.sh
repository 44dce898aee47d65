# shellcheck shell=bash
# Everything of this folder, in the order in which it leans on each other.
# shellcheck source-path=SCRIPTDIR

LIB_DIR=$(dirname -- "${BASH_SOURCE[0]}")
for room in common step process packages kafka registry embedded postgres pgbouncer database build python program feed; do
    # shellcheck disable=SC1090
    source "$LIB_DIR/$room.sh"
done
unset room
