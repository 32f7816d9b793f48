package esdbserver_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
)

// BenchmarkAppend measures durable appends through the official client over a socket. Callers write to streams of
// their own, without an expected revision.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ callers, events, size int }{
		{1, 1, 1500}, {16, 1, 1500}, {64, 1, 1500}, {1, 10, 1500}, {16, 10, 1500}, {1, 400, 1500}, {1, 220, 4096},
	} {
		b.Run(fmt.Sprintf("callers=%d/events=%d/size=%d", c.callers, c.events, c.size), func(b *testing.B) {
			client := dial(b, start(b, config(b)))
			batch := make([][]esdb.EventData, c.callers)
			for i := range batch {
				batch[i] = newEvents(c.events, c.size)
			}
			took := make([][]time.Duration, c.callers)
			var next atomic.Int64
			var group sync.WaitGroup
			b.ResetTimer()
			for i := range c.callers {
				group.Go(func() {
					for next.Add(1) <= int64(b.N) {
						for j := range batch[i] {
							batch[i][j].EventID = uuid.New()
						}
						begin := time.Now()
						if _, err := client.AppendToStream(context.Background(), fmt.Sprintf("bench-%d", i),
							esdb.AppendToStreamOptions{}, batch[i]...); err != nil {
							b.Error(err)
							return
						}
						took[i] = append(took[i], time.Since(begin))
					}
				})
			}
			group.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
			b.ReportMetric(float64(b.N*c.events)/b.Elapsed().Seconds(), "events/s")
			all := slices.Concat(took...)
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkRead measures a long read of one stream.
func BenchmarkRead(b *testing.B) {
	client := dial(b, start(b, config(b)))
	for range 100 {
		mustAppend(b, client, "read", esdb.Any{}, newEvents(100, 1500)...)
	}
	b.ResetTimer()
	for read := 0; read < b.N; {
		stream, err := client.ReadStream(context.Background(), "read", esdb.ReadStreamOptions{}, uint64(b.N-read))
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := stream.Recv(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			read++
		}
		stream.Close()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
