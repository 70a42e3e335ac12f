// Goroutines and Go's channels: each worker has a channel with one slot and works on every 100th item; the
// consumer goes round.
package main

import bench ".."

func takeAll(items uint64) {
	var results [bench.InFlight]chan uint64
	for i := range results {
		results[i] = make(chan uint64, 1)
		go func(results chan<- uint64, first uint64) {
			for item := first; item < items; item += bench.InFlight {
				results <- bench.ResultOf(item)
			}
		}(results[i], uint64(i))
	}
	for item := uint64(0); item < items; item++ {
		bench.RequireEqual(<-results[item%bench.InFlight], bench.Hash(item))
	}
}

func main() { bench.TimeResults("ordered_results", takeAll) }
