#include <frond/frond.hpp>

#include <iostream>
#include <string>
#include <vector>

namespace {

// Stands for a request: other tasks go on meanwhile, and a large one takes longer.
int fetch(int size) {
    for (int i = 0; i < size; ++i) frond::yield();
    return size;
}

// In the order of the spawns, whatever the order in which the tasks end.
void in_order() {
    frond::Pool pool{3};
    frond::OrderedBag<int> sizes{pool};
    for (int const size : {30, 10, 20}) sizes.spawn([size] { return fetch(size); });
    std::cout << "in order:";
    for (int&& size : sizes) std::cout << ' ' << size;
    std::cout << '\n';
}

struct Folder {
    std::string name;
    int size = 0; // the larger, the longer it takes to read
    std::vector<Folder> folders = {};
};

// Each folder is a task of its own, which lists its name, what is in it, and its end.
void list(Folder const& folder, std::string const& indent, frond::OrderedBag<std::string>& lines) {
    lines.put(indent + folder.name);
    fetch(folder.size);
    for (auto const& inner : folder.folders)
        lines.spawn([&inner, &lines, deeper = indent + "  "] { list(inner, deeper, lines); });
    lines.put(indent + "end of " + folder.name);
}

// With Sequence::serial the lines come as if each spawn had been a call.
std::vector<std::string> listing_of(Folder const& root) {
    frond::Pool pool{2};
    frond::OrderedBag<std::string> lines{pool, {.sequence = frond::Sequence::serial}};
    lines.spawn([&] { list(root, "", lines); });
    std::vector<std::string> listing;
    for (std::string&& line : lines) listing.push_back(std::move(line));
    return listing;
}

void serial_order() {
    Folder const root{"root", 1, {{"a", 50, {{"aa", 10}, {"ab", 1}}}, {"b", 1, {{"ba", 5}}}, {"c", 20}}};
    auto const listing = listing_of(root);
    for (auto const& line : listing) std::cout << line << '\n';
    frond::Runtime runtime{{.threads = 4}};
    bool const same = runtime.run([&root] { return listing_of(root); }) == listing;
    std::cout << "the same on four threads: " << std::boolalpha << same << '\n';
}

} // namespace

int main() {
    in_order();
    serial_order();
}
