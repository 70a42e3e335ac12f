// Goroutines and one of Go's channels to the consumer.
package main

import (
	bench ".."
	"sync/atomic"
)

func takeAll(items uint64) {
	results := make(chan uint64, bench.InFlight)
	var next uint64
	for i := 0; i < bench.InFlight; i++ {
		go func() {
			for {
				item := atomic.AddUint64(&next, 1) - 1
				if item >= items {
					return
				}
				results <- bench.ResultOf(item)
			}
		}()
	}
	var sum, expected uint64
	for item := uint64(0); item < items; item++ {
		sum += <-results
		expected += bench.Hash(item)
	}
	bench.RequireEqual(sum, expected)
}

func main() { bench.TimeResults("unordered_results", takeAll) }
