#include <frond/frond.hpp>

#include <chrono>
#include <iostream>
#include <regex>
#include <sstream>
#include <string>

using namespace std::chrono_literals;

namespace {

// What differs from run to run is blanked out, so that this program's output can be checked.
std::string stable(std::string text) {
    text = std::regex_replace(text, std::regex{"tid [0-9]+"}, "tid …");
    text = std::regex_replace(text, std::regex{"[0-9]+ ms old"}, "… ms old");
    return std::regex_replace(text, std::regex{"spawned at [^ ]*/"}, "spawned at ");
}

} // namespace

int main() {
    frond::Pool pool{{.limit = 2, .name = "downloads"}};
    pool.spawn({.name = "index"}, [&pool] {
        frond::Group pages{pool, {.name = "pages"}};
        pages.spawn({.name = "page 1"}, [] { frond::sleep_for(300ms); });
        pages.spawn({.name = "page 2"}, [] { frond::sleep_for(300ms); });
        pages.join();
    });
    pool.spawn([] { frond::sleep_for(300ms); });
    frond::yield(); // everything starts that can

    std::ostringstream text;
    frond::dump(text);
    std::cout << stable(text.str());
    pool.join();
}
