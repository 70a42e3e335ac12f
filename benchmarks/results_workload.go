package bench

import "runtime"

// Of ordered_results and unordered_results; see results_workload.hpp.
const InFlight = 100

// Hash is the last step of splitmix64.
func Hash(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

// ResultOf is the work: an item's result after 0 to 3 yields.
func ResultOf(item uint64) uint64 {
	result := Hash(item)
	for yields := result & 3; yields > 0; yields-- {
		runtime.Gosched()
	}
	return result
}

// TimeResults times takeAll, which takes the result of each item, on one thread and on two.
func TimeResults(name string, takeAll func(items uint64)) {
	items := uint64(1_000_000)
	if Smoke() {
		items = 2_000
	}
	Main(Benchmark{name + "/1_thread", 1, items, takeAll}, Benchmark{name + "/2_threads", 2, items, takeAll})
}
