// Ends with 0 when the library that it is given can be loaded into a C++ program, else says why it cannot.
#include <dlfcn.h>

#include <iostream>

int main(int, char** arguments) {
  if (dlopen(arguments[1], RTLD_NOW | RTLD_GLOBAL) != nullptr) return 0;
  std::cout << dlerror() << std::endl;
  return 1;
}
