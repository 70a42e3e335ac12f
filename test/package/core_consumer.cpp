#include <frond/frond.hpp>

#include <cstdlib>

#ifdef BOOST_VERSION
#error "frond/frond.hpp lets Boost's headers through"
#endif

int main() {
    int sum = 0;
    frond::Pool pool{4};
    for (int i = 1; i <= 10; ++i) pool.spawn([&, i] { pool.spawn([&, i] { sum += i; }); });
    pool.join();
    return sum == 55 ? EXIT_SUCCESS : EXIT_FAILURE;
}
