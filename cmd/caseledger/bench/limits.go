package bench

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
)

// limits are what this machine can do at most of the three things that every receipt needs.
type limits struct {
	fsync, echoPOST, signatures float64 // a second
}

func measureLimits(dir string, span time.Duration) (limits, error) {
	var l limits
	var err error
	if l.fsync, err = fsyncRate(dir, span); err != nil {
		return l, fmt.Errorf("fsync rate: %w", err)
	}
	if l.signatures, err = signRate(span); err != nil {
		return l, fmt.Errorf("signature rate: %w", err)
	}
	if l.echoPOST, err = echoRate(span); err != nil {
		return l, fmt.Errorf("POST rate: %w", err)
	}
	return l, nil
}

// fsyncRate appends 4 KiB and syncs, again and again.
func fsyncRate(dir string, span time.Duration) (float64, error) {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0, err
	}
	page, n, start := make([]byte, 4096), 0, time.Now()
	for ; time.Since(start) < span; n++ {
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	rate := float64(n) / time.Since(start).Seconds()
	return rate, errors.Join(f.Close(), os.Remove(f.Name()))
}

// signRate signs on as many goroutines as there are processors here, two.
func signRate(span time.Duration) (float64, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return 0, err
	}
	digest, start := sha256.Sum256([]byte("caseledger")), time.Now()
	n, err := parallel(2, span, func() error {
		_, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		return err
	})
	return float64(n) / time.Since(start).Seconds(), err
}

// parallel runs f on so many goroutines for a while and counts.
func parallel(goroutines int, span time.Duration, f func() error) (int64, error) {
	var n atomic.Int64
	var wg sync.WaitGroup
	var once sync.Once
	var failed error
	start := time.Now()
	for range goroutines {
		wg.Go(func() {
			for time.Since(start) < span {
				if err := f(); err != nil {
					once.Do(func() { failed = err })
					return
				}
				n.Add(1)
			}
		})
	}
	wg.Wait()
	return n.Load(), failed
}

// echoRate posts 1.5 KB to an Echo handler that answers 4 KB, from 64 connections.
func echoRate(span time.Duration) (float64, error) {
	e := echo.New()
	answer := []byte(strings.Repeat("x", 4000))
	e.POST("/", func(c echo.Context) error {
		if _, err := io.Copy(io.Discard, c.Request().Body); err != nil {
			return err
		}
		c.Response().Header().Set(echo.HeaderContentLength, strconv.Itoa(len(answer)))
		return c.Blob(http.StatusCreated, "application/json", answer)
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	server := &http.Server{Handler: e, ReadHeaderTimeout: callTimeout}
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	addr := ln.Addr().String()
	request := post(addr, "/", "none", strings.Repeat("y", 1500))
	var n atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range 64 {
		c, err := dial(addr)
		if err != nil {
			return 0, err
		}
		wg.Go(func() {
			defer c.close() //nolint:errcheck // measured already
			for time.Since(start) < span {
				if _, _, err := c.call(request); err != nil {
					return
				}
				n.Add(1)
			}
		})
	}
	wg.Wait()
	rate := float64(n.Load()) / time.Since(start).Seconds()
	err = server.Close()
	<-done //nolint:errcheck // it only says that the server was closed
	return rate, err
}
