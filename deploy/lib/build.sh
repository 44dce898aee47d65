# shellcheck shell=bash
# The program, built from this checkout.

BUILD_PACKAGES=(
    gcc libc6-dev cmake ninja-build pkg-config
    librdkafka-dev libpq-dev libavro-dev libhiredis-dev libssl-dev libconfig-dev libcurl4-openssl-dev
    libmicrohttpd-dev libjansson-dev libzstd-dev
)

build_packages() {
    packages_need "${BUILD_PACKAGES[@]}"
}

program_path() {
    printf '%s' "$CHECKOUT_DIR/build/release/tidegate"
}

build_program() {
    cd "$CHECKOUT_DIR" || return
    cmake --preset release
    cmake --build --preset release
    [[ -x $(program_path) ]] || die "the build made no $(program_path)"
}
