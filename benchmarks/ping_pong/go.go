// Goroutines and Go's channels. Understands as much of Google Benchmark's command line, and writes as much of its
// output, as run.py needs.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

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

type benchmark struct {
	name     string
	threads  int
	exchange func(uint64) uint64
	expected func(uint64) uint64
}

type result struct {
	Name           string  `json:"name"`
	RunType        string  `json:"run_type"`
	SecondsPerTask float64 `json:"seconds_per_task"`
	PeakRSS        float64 `json:"peak_rss"`
}

func peakRSS() (bytes float64) {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &bytes); n == 1 {
			return bytes * 1024
		}
	}
	return 0
}

func run(b benchmark, messages uint64) result {
	runtime.GOMAXPROCS(b.threads)
	began := time.Now()
	sum := b.exchange(messages)
	took := time.Since(began)
	if sum != b.expected(messages) {
		fmt.Fprintf(os.Stderr, "wrong result: %d instead of %d\n", sum, b.expected(messages))
		os.Exit(1)
	}
	return result{b.name, "iteration", took.Seconds() / float64(messages), peakRSS()}
}

func main() {
	list := flag.Bool("benchmark_list_tests", false, "")
	filter := flag.String("benchmark_filter", "", "")
	format := flag.String("benchmark_format", "console", "")
	repetitions := flag.Int("benchmark_repetitions", 1, "")
	flag.Parse()
	wanted, err := regexp.Compile(*filter)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	messages := uint64(1_000_000)
	if _, smoke := os.LookupEnv("FROND_BENCH_SMOKE"); smoke {
		messages = 2_000
	}
	var results []result
	for _, threads := range []int{1, 2} {
		variant := "/1_thread"
		if threads > 1 {
			variant = fmt.Sprintf("/%d_threads", threads)
		}
		for _, b := range []benchmark{
			{"one_slot" + variant, threads, thereAndBack(1), bothWays},
			{"rendezvous" + variant, threads, thereAndBack(0), bothWays},
			{"one_way" + variant, threads, oneWay, sumBelow},
		} {
			if !wanted.MatchString(b.name) {
				continue
			}
			if *list {
				fmt.Println(b.name)
				continue
			}
			for i := 0; i < *repetitions; i++ {
				results = append(results, run(b, messages))
			}
		}
	}
	if *list {
		return
	}
	if *format == "json" {
		version := runtime.Version()
		context := map[string]string{"library": "Go " + strings.TrimPrefix(version, "go"),
			"compiler": runtime.Compiler + " " + version, "optimised": "yes"}
		json.NewEncoder(os.Stdout).Encode(map[string]any{"context": context, "benchmarks": results})
		return
	}
	for _, r := range results {
		fmt.Printf("%-24s %8.1f ns a message\n", r.Name, r.SecondsPerTask*1e9)
	}
}
