package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is the processor time that two processes have used so far.
type usage struct{ server, load time.Duration }

func (u usage) minus(v usage) time.Duration { return (u.server - v.server) + (u.load - v.load) }

// ticks are 100 a second on Linux (USER_HZ).
const ticksPerSecond = 100

func usageOf(pid int) (usage, error) {
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		return usage{}, err
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, fmt.Errorf("processor time of the server: %w", err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return usage{}, fmt.Errorf("processor time of the server: %w", errAnswer)
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	if err1 != nil || err2 != nil {
		return usage{}, fmt.Errorf("processor time of the server: %w", errAnswer)
	}
	return usage{
		server: time.Duration(user+system) * time.Second / ticksPerSecond,
		load:   time.Duration(self.Utime.Nano() + self.Stime.Nano()),
	}, nil
}

// peakMemory is the greatest resident size of a process so far, in MiB.
func peakMemory(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("memory of the server: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("memory of the server: %w", errAnswer)
}
