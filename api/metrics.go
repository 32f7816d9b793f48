package api

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count requests by route and class of status. No name, case or token is ever a label.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(r *prometheus.Registry) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "caseledger_http_requests_total", Help: "Requests by route and class of status.",
		}, []string{"method", "route", "class"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "caseledger_http_request_seconds", Help: "Time to answer, by route.",
			Buckets: []float64{.001, .002, .004, .008, .016, .032, .064, .128, .256, .512, 1, 4, 16, 64},
		}, []string{"method", "route"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("api: metrics: %w", err)
		}
	}
	return m, nil
}

var statusClasses = [...]string{"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"}

// route is the observer of one route; its counters are looked up once.
func (m *metrics) route(method, path string) func(status int, took time.Duration) {
	var counters [len(statusClasses)]prometheus.Counter
	for i, class := range statusClasses {
		counters[i] = m.requests.WithLabelValues(method, path, class)
	}
	seconds := m.seconds.WithLabelValues(method, path)
	return func(status int, took time.Duration) {
		counters[min(max(status/100, 0), len(counters)-1)].Inc()
		seconds.Observe(took.Seconds())
	}
}
