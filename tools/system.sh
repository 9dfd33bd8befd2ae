#!/bin/sh
# What pip cannot bring: OpenMP for LightGBM, and a Chromium for the test of the command center.
# `apt-get` is used only where it is there and we are root; nothing here ever asks.
set -eu

apt_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo "Installing $1 with apt-get ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null 2>&1 || true
    apt-get install -y -qq --no-install-recommends "$1" >/dev/null 2>&1
}

openmp() {
    [ "$(uname)" = Linux ] || return 0
    has_openmp="import ctypes; ctypes.CDLL('libgomp.so.1')"
    "$venv/bin/python" -c "$has_openmp" 2>/dev/null && return 0
    apt_install libgomp1 && return 0
    # scikit-learn carries a copy; the Makefile puts this folder on the library path.
    copy=$(find "$venv/lib" -path '*/scikit_learn.libs/libgomp*' | head -n 1)
    mkdir -p "$venv/openmp"
    ln -sf "$(realpath "$copy")" "$venv/openmp/libgomp.so.1"
    echo "note: libgomp1 is missing; outside of make, LightGBM needs LD_LIBRARY_PATH=$venv/openmp."
}

browser() {
    for name in chromium chromium-browser google-chrome; do
        if command -v "$name" >/dev/null; then return 0; fi
    done
    apt_install chromium && return 0
    echo "note: no Chromium found and none could be installed; the browser test will be skipped."
}

venv=${2:-.venv}
"$1"
