// exit: 134
// stderr: frond: a Runtime is destroyed by one of its own tasks, which would wait for itself

#include <frond/frond.hpp>

#include <memory>

int main() {
    auto runtime = std::make_unique<frond::Runtime>(frond::RuntimeOptions{.threads = 2});
    auto& same = *runtime;
    same.run([&runtime] { runtime.reset(); });
}
