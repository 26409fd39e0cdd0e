// franz-go as a group member (tests/compat/members/protocol.py).
package main

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"weir/members/member"
)

// A member looks for its coordinator at any broker that it knows, and gives its group up when two in a row refuse it
// (client.go, retryable.Request): one that died has to be forgotten by then.
const metadataMaxAge = 500 * time.Millisecond

// dial keeps a refused connection from its client until the client has forgotten that broker.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	connection, err := new(net.Dialer).DialContext(ctx, network, address)
	if errors.Is(err, syscall.ECONNREFUSED) {
		select {
		case <-time.After(2 * metadataMaxAge):
		case <-ctx.Done():
		}
	}
	return connection, err
}

func options(m *member.Member) []kgo.Opt {
	told := func(event string) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, client *kgo.Client, places map[string][]int32) {
			_, generation := client.GroupMetadata()
			m.Partitions(event, places[m.Topic], generation)
		}
	}
	chosen := []kgo.Opt{
		kgo.SeedBrokers(m.Brokers...), kgo.ConsumerGroup(m.Group), kgo.ConsumeTopics(m.Topic),
		kgo.SessionTimeout(m.SessionTimeout), kgo.HeartbeatInterval(m.HeartbeatInterval),
		kgo.Dialer(dial), kgo.MetadataMaxAge(metadataMaxAge),
		kgo.MetadataMinAge(100 * time.Millisecond), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.OnPartitionsAssigned(told("assigned")), kgo.OnPartitionsRevoked(told("revoked")),
		kgo.OnPartitionsLost(told("lost")),
	}
	if m.InstanceID != "" {
		chosen = append(chosen, kgo.InstanceID(m.InstanceID))
	}
	if m.AutoCommit {
		chosen = append(chosen, kgo.AutoCommitInterval(member.CommitInterval))
	} else {
		chosen = append(chosen, kgo.DisableAutoCommit())
	}
	if m.Cooperative {
		return append(chosen, kgo.Balancers(kgo.CooperativeStickyBalancer()))
	}
	return append(chosen, kgo.Balancers(kgo.RangeBalancer()))
}

func work(m *member.Member) {
	client, err := kgo.NewClient(options(m)...)
	if err != nil {
		m.Error(err)
		return
	}
	defer client.Close()
	for m.Context.Err() == nil {
		fetches := client.PollFetches(m.Context)
		fetches.EachError(func(_ string, _ int32, err error) { m.Error(err) })
		next := map[int32]int64{}
		fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
			if count := len(fetched.Records); count > 0 {
				last := fetched.Records[count-1].Offset
				m.Records(fetched.Partition, fetched.Records[0].Offset, last, count)
				next[fetched.Partition] = last + 1
			}
		})
		if m.AutoCommit || len(next) == 0 {
			continue
		}
		if err := client.CommitUncommittedOffsets(m.Context); err != nil {
			m.Error(err)
		} else {
			m.Say("committed", map[string]any{"offsets": next})
		}
	}
}

func main() { member.Serve(work) }
