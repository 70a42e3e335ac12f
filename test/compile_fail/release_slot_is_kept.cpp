// expect: nodiscard
#pragma GCC diagnostic error "-Wunused-result"
#include <frond/pool.hpp>

void give_up(frond::Pool& pool) { pool.release_slot(); }
