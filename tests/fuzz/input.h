// A fuzz target is one function that libFuzzer, or the replay of an ordinary build, calls with
// bytes.
//
// Promise: any bytes are survived; what the target claims besides stands in its file, as CHECKs.
// Errors:  a broken claim ends the process.
#pragma once
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
