#include "include/mean.h"

int total;

__attribute__((export_name("mean_to")))
int mean_to(int n, int count) {
  for (int i = 1; i <= n; i++)
    total += i;
  return mean(total, count);
}

__attribute__((export_name("quotients")))
int quotients(int a, int b, int c) {
  int first = a / b;
  int second = b / c;
  return first + second;
}

__attribute__((export_name("load")))
int load(const int *address) {
  return *address;
}

__attribute__((export_name("fail")))
void fail(int early) {
  if (early)
    __builtin_trap();
  total = 1;
  __builtin_trap();
}

// Compiled by clang 19.1.7 with two versions of DWARF:
//
//     for version in 4 5; do
//         clang-19 --target=wasm32 -O1 -gdwarf-$version -fdebug-compilation-dir=/project -nostdlib -Wl,--no-entry \
//             -o sum-dwarf$version.wasm sum.c
//     done
