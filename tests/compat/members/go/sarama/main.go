// sarama as a group member (tests/compat/members/protocol.py). Its commits tell no success, only errors, and it knows
// no cooperative protocol.
package main

import (
	"time"

	"github.com/IBM/sarama"
	"weir/members/member"
)

// heartbeatPause is the least time between two heartbeats. One that fails is sent again at once, however often it may
// (consumer_group_session.go, heartbeatLoop): all tries would be used up a few milliseconds after a broker's death.
const heartbeatPause = 250 * time.Millisecond

// patient is a client whose group asks for its coordinator, before each heartbeat, no oftener than that. A dialer that
// waits would do so with the broker's lock held, which keeps the refresh of the metadata from ever forgetting that
// broker.
type patient struct {
	sarama.Client
	ticks *time.Ticker
}

func (client patient) Coordinator(group string) (*sarama.Broker, error) {
	<-client.ticks.C
	return client.Client.Coordinator(group)
}

type handler struct{ *member.Member }

func (h handler) Setup(session sarama.ConsumerGroupSession) error {
	h.Partitions("assigned", session.Claims()[h.Topic], session.GenerationID())
	return nil
}

func (h handler) Cleanup(session sarama.ConsumerGroupSession) error {
	h.Partitions("revoked", session.Claims()[h.Topic], session.GenerationID())
	return nil
}

func (h handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		h.Records(message.Partition, message.Offset, message.Offset, 1)
		session.MarkMessage(message, "")
		if !h.AutoCommit && len(claim.Messages()) == 0 {
			session.Commit()
		}
	}
	return nil
}

func work(m *member.Member) {
	config := sarama.NewConfig()
	config.Consumer.Group.Session.Timeout = m.SessionTimeout
	config.Consumer.Group.Heartbeat.Interval = m.HeartbeatInterval
	config.Consumer.Group.InstanceId = m.InstanceID
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = m.AutoCommit
	config.Consumer.Offsets.AutoCommit.Interval = member.CommitInterval
	// A commit waits behind the fetches on its connection.
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	config.Consumer.Retry.Backoff = 100 * time.Millisecond
	// Its coordinator is dead to it once Metadata leaves it out, not before.
	config.Metadata.RefreshFrequency = 500 * time.Millisecond
	config.Metadata.Retry.Max = 50
	config.Metadata.Retry.Backoff = 100 * time.Millisecond
	config.Consumer.Return.Errors = true
	client, err := sarama.NewClient(m.Brokers, config)
	if err != nil {
		m.Error(err)
		return
	}
	defer client.Close()
	group, err := sarama.NewConsumerGroupFromClient(m.Group, patient{client, time.NewTicker(heartbeatPause)})
	if err != nil {
		m.Error(err)
		return
	}
	go func() {
		for err := range group.Errors() {
			m.Error(err)
		}
	}()
	for m.Context.Err() == nil {
		m.Error(group.Consume(m.Context, []string{m.Topic}, handler{m}))
	}
	_ = group.Close()
}

func main() { member.Serve(work) }
