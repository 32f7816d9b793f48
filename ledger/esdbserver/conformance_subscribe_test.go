package esdbserver_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// follow gives what a subscription delivers: events as "stream@revision", "live" and checkpoints as "checkpoint".
func follow(t *testing.T, sub *esdb.Subscription, err error) func() (string, *esdb.SubscriptionEvent) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sub.Close() })
	return func() (string, *esdb.SubscriptionEvent) {
		e := sub.Recv()
		switch {
		case e.EventAppeared != nil:
			r := e.EventAppeared.OriginalEvent()
			return fmt.Sprintf("%s@%d", r.StreamID, r.EventNumber), e
		case e.CaughtUp != nil:
			return "live", e
		case e.CheckPointReached != nil:
			return "checkpoint", e
		case e.SubscriptionDropped != nil:
			return "dropped: " + e.SubscriptionDropped.Error.Error(), e
		}
		return "other", e
	}
}

func wantNext(t *testing.T, next func() (string, *esdb.SubscriptionEvent), want ...string) {
	t.Helper()
	for _, w := range want {
		if got, _ := next(); got != w {
			t.Fatalf("the subscription gave %q, want %q", got, w)
		}
	}
}

func checkSubscribeStream(t *testing.T, client *esdb.Client, stream string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	mustAppend(t, client, stream, esdb.Any{}, newEvents(3, 10)...)
	sub, err := client.SubscribeToStream(ctx, stream, esdb.SubscribeToStreamOptions{From: esdb.Revision(0)})
	next := follow(t, sub, err)
	wantNext(t, next, stream+"@1", stream+"@2", "live")
	mustAppend(t, client, stream+"-other", esdb.Any{}, newEvents(1, 10)...)
	mustAppend(t, client, stream, esdb.Any{}, newEvents(2, 10)...)
	wantNext(t, next, stream+"@3", stream+"@4")
	absent, err := client.SubscribeToStream(ctx, stream+"-new", esdb.SubscribeToStreamOptions{From: esdb.Start{}})
	next = follow(t, absent, err)
	wantNext(t, next, "live")
	mustAppend(t, client, stream+"-new", esdb.Any{}, newEvents(1, 10)...)
	wantNext(t, next, stream+"-new@0")
	cancel()
	if got, _ := next(); !strings.HasPrefix(got, "dropped") {
		t.Errorf("a cancelled subscription gave %q", got)
	}
}

func checkSubscribeAll(t *testing.T, client *esdb.Client, stream string) {
	before := mustAppend(t, client, stream+"-0", esdb.Any{}, newEvents(1, 10)...)
	mustAppend(t, client, stream+"-1", esdb.Any{}, newEvents(1, 10)...)
	sub, err := client.SubscribeToAll(context.Background(), esdb.SubscribeToAllOptions{
		From: esdb.Position{Commit: before.CommitPosition, Prepare: before.PreparePosition}})
	next := ours(follow(t, sub, err), stream)
	wantNext(t, next, stream+"-1@0", "live")
	mustAppend(t, client, stream+"-1", esdb.Any{}, newEvents(1, 10)...)
	wantNext(t, next, stream+"-1@1")
}

// ours skips events of other streams, which a real server has of its own.
func ours(next func() (string, *esdb.SubscriptionEvent), stream string) func() (string, *esdb.SubscriptionEvent) {
	return func() (string, *esdb.SubscriptionEvent) {
		for {
			if got, e := next(); e.EventAppeared == nil || strings.HasPrefix(got, stream) {
				return got, e
			}
		}
	}
}

// checkSubscribeFiltered: events that match in order, checkpoints that never pass an event not yet delivered, one of
// them before the subscription is live, and resumption from a checkpoint without loss or repetition.
func checkSubscribeFiltered(t *testing.T, client *esdb.Client, stream string) {
	for i := range 50 {
		mustAppend(t, client, fmt.Sprintf("%s-%d", stream, i%2), esdb.Any{}, newEvents(1, 10)...)
	}
	options := esdb.SubscribeToAllOptions{From: esdb.Start{}, MaxSearchWindow: 3, CheckpointInterval: 1,
		Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{stream + "-1"}}}
	sub, err := client.SubscribeToAll(context.Background(), options)
	next := follow(t, sub, err)
	var got []string
	var last esdb.Position
	checkpoints := 0
	for kind, e := next(); kind != "live"; kind, e = next() {
		switch {
		case e.CheckPointReached != nil:
			checkpoints++
			last = *e.CheckPointReached
		case e.EventAppeared != nil:
			if p := e.EventAppeared.OriginalEvent().Position; p.Commit <= last.Commit {
				t.Fatalf("event at %d after the checkpoint %d", p.Commit, last.Commit)
			}
			got = append(got, kind)
		default:
			t.Fatal(kind)
		}
	}
	if len(got) != 25 || got[0] != stream+"-1@0" || got[24] != stream+"-1@24" {
		t.Errorf("caught up with %d events, want 25 in order: %v", len(got), got)
	}
	if checkpoints < 2 {
		t.Errorf("%d checkpoints, want several and one before the subscription is live", checkpoints)
	}
	mustAppend(t, client, stream+"-0", esdb.Any{}, newEvents(1, 10)...)
	mustAppend(t, client, stream+"-1", esdb.Any{}, newEvents(1, 10)...)
	for kind := ""; kind != stream+"-1@25"; {
		if kind, _ = next(); kind != "checkpoint" && kind != stream+"-1@25" {
			t.Fatalf("live: got %q", kind)
		}
	}
	options.From = last
	resumed, err := client.SubscribeToAll(context.Background(), options)
	next = follow(t, resumed, err)
	for kind := ""; kind != stream+"-1@25"; {
		if kind, _ = next(); kind != "checkpoint" && kind != stream+"-1@25" {
			t.Fatalf("resumed from the last checkpoint: got %q", kind)
		}
	}
}

func checkSubscribeEnd(t *testing.T, client *esdb.Client, stream string) {
	mustAppend(t, client, stream, esdb.Any{}, newEvents(3, 10)...)
	all, err := client.SubscribeToAll(context.Background(), esdb.SubscribeToAllOptions{From: esdb.End{},
		Filter: &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: `^evidence\.`}})
	nextAll := ours(follow(t, all, err), stream)
	one, err := client.SubscribeToStream(context.Background(), stream, esdb.SubscribeToStreamOptions{From: esdb.End{}})
	nextOne := follow(t, one, err)
	mustAppend(t, client, stream, esdb.Any{}, newEvents(1, 10)...)
	for _, next := range []func() (string, *esdb.SubscriptionEvent){nextAll, nextOne} {
		got, _ := next()
		for got == "checkpoint" || got == "live" {
			got, _ = next()
		}
		if got != stream+"@3" {
			t.Errorf("from the end: got %q, want %s@3", got, stream)
		}
	}
}
