// An engine module of another build: its entries have the right names, and nothing in them may be called.
#include <cstdlib>

extern "C" {

const char* iteralign_engine_build() { return "another build"; }

void* iteralign_open_base_model(const void*) { std::abort(); }
}
