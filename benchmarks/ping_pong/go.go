// Goroutines and Go's channels.
package main

import bench ".."

func thereAndBack(capacity int) func(uint64) uint64 {
	return func(messages uint64) uint64 {
		pings := make(chan uint64, capacity)
		pongs := make(chan uint64, capacity)
		received := make(chan uint64, 2)
		go func() {
			var sum uint64
			for i := uint64(0); i < messages/2; i++ {
				pings <- i
				sum += <-pongs
			}
			close(pings)
			received <- sum
		}()
		go func() {
			var sum uint64
			for ping := range pings {
				sum += ping
				pongs <- ping
			}
			received <- sum
		}()
		return <-received + <-received
	}
}

func oneWay(messages uint64) uint64 {
	channel := make(chan uint64, 1)
	received := make(chan uint64)
	go func() {
		for i := uint64(0); i < messages; i++ {
			channel <- i
		}
		close(channel)
	}()
	go func() {
		var sum uint64
		for message := range channel {
			sum += message
		}
		received <- sum
	}()
	return <-received
}

func sumBelow(n uint64) uint64        { return n * (n - 1) / 2 }
func bothWays(messages uint64) uint64 { return 2 * sumBelow(messages/2) }

func main() {
	messages := uint64(1_000_000)
	if bench.Smoke() {
		messages = 2_000
	}
	time := func(name string, threads int, exchange, expected func(uint64) uint64) bench.Benchmark {
		return bench.Benchmark{Name: name, Threads: threads, Tasks: messages, Run: func(messages uint64) {
			bench.RequireEqual(exchange(messages), expected(messages))
		}}
	}
	bench.Main(
		time("one_slot/1_thread", 1, thereAndBack(1), bothWays),
		time("rendezvous/1_thread", 1, thereAndBack(0), bothWays),
		time("one_way/1_thread", 1, oneWay, sumBelow),
		time("one_slot/2_threads", 2, thereAndBack(1), bothWays),
		time("rendezvous/2_threads", 2, thereAndBack(0), bothWays),
		time("one_way/2_threads", 2, oneWay, sumBelow),
	)
}
