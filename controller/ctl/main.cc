// The entry of `weir`, the command line of a Weir cluster. Thread rule: main thread.
#include <iostream>

#include "controller/ctl/weir.h"

int main(int argc, char** argv) {
  // Buffered input tells whether more is at hand (weir topic produce).
  std::ios::sync_with_stdio(false);
  return weir::ctl::RunWeir(argc, argv, WEIR_VERSION, {std::cin, std::cout, std::cerr});
}
