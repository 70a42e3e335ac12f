// Package bench is what the benchmarks in Go share. It understands as much of Google Benchmark's command line, and
// writes as much of its output, as run.py needs.
package bench

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

// Smoke is set for a quick run that only shows that everything works; its times mean nothing.
func Smoke() bool {
	_, set := os.LookupEnv("FROND_BENCH_SMOKE")
	return set
}

// RequireEqual ends the program if they are not.
func RequireEqual(actual, expected uint64) {
	if actual != expected {
		fmt.Fprintf(os.Stderr, "wrong result: %d instead of %d\n", actual, expected)
		os.Exit(1)
	}
}

// Benchmark has Run do something Tasks times, on so many threads.
type Benchmark struct {
	Name    string
	Threads int
	Tasks   uint64
	Run     func(tasks uint64)
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

func (b Benchmark) measure() result {
	runtime.GOMAXPROCS(b.Threads)
	began := time.Now()
	b.Run(b.Tasks)
	return result{b.Name, "iteration", time.Since(began).Seconds() / float64(b.Tasks), peakRSS()}
}

// Main does what the command line asks for.
func Main(benchmarks ...Benchmark) {
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

	var results []result
	for _, b := range benchmarks {
		if !wanted.MatchString(b.Name) {
			continue
		}
		if *list {
			fmt.Println(b.Name)
			continue
		}
		for i := 0; i < *repetitions; i++ {
			results = append(results, b.measure())
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
		fmt.Printf("%-28s %8.1f ns a task\n", r.Name, r.SecondsPerTask*1e9)
	}
}
