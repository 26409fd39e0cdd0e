// Package member is what the Go member programs share of tests/compat/members/protocol.py.
package member

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// CommitInterval is that of automatic commits.
const CommitInterval = time.Second

const leavePatience = 30 * time.Second

// Member is one member: what it was asked to be, whether to go on (Context), and its voice.
type Member struct {
	Context                           context.Context
	Brokers                           []string
	Topic, Name, Group, InstanceID    string
	Cooperative, AutoCommit           bool
	SessionTimeout, HeartbeatInterval time.Duration

	stop context.CancelFunc
	done chan struct{}
}

var output sync.Mutex

// Say prints one event.
func (m *Member) Say(event string, more map[string]any) {
	line := map[string]any{"at": time.Now().UnixMilli(), "member": m.Name, "event": event}
	for key, value := range more {
		line[key] = value
	}
	output.Lock()
	defer output.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(line)
}

// Partitions tells what was assigned, revoked or lost.
func (m *Member) Partitions(event string, partitions []int32, generation int32) {
	sorted := append([]int32{}, partitions...)
	sort.Slice(sorted, func(a, b int) bool { return sorted[a] < sorted[b] })
	m.Say(event, map[string]any{"partitions": sorted, "generation": generation})
}

// Records tells what a poll brought of one partition.
func (m *Member) Records(partition int32, first, last int64, count int) {
	m.Say("records", map[string]any{"partition": partition, "first": first, "last": last, "count": count})
}

// Error tells an error; nil and the end of the member are none.
func (m *Member) Error(err error) {
	if err != nil && m.Context.Err() == nil {
		m.Say("error", map[string]any{"text": err.Error()})
	}
}

func join(fields []string, work func(*Member)) *Member {
	timeout, _ := strconv.Atoi(os.Args[3])
	m := &Member{Brokers: strings.Split(os.Args[1], ","), Topic: os.Args[2], Name: fields[1], Group: fields[2],
		Cooperative: fields[3] == "cooperative", AutoCommit: fields[4] == "auto",
		SessionTimeout:    time.Duration(timeout) * time.Millisecond,
		HeartbeatInterval: time.Duration(min(3000, timeout/6)) * time.Millisecond, done: make(chan struct{})}
	if len(fields) > 5 {
		m.InstanceID = fields[5]
	}
	m.Context, m.stop = context.WithCancel(context.Background())
	go func() {
		defer close(m.done)
		work(m)
		m.Say("left", nil)
	}()
	return m
}

// Serve obeys standard input; work lets a member work until its context ends.
func Serve(work func(*Member)) {
	members := map[string]*Member{}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if fields[0] == "join" {
			members[fields[1]] = join(fields, work)
		} else {
			members[fields[1]].stop()
		}
	}
	time.AfterFunc(leavePatience, func() { os.Exit(1) })
	for _, m := range members {
		m.stop()
	}
	for _, m := range members {
		<-m.done
	}
}
