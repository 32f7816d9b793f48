package esdbserver

import (
	"context"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/google/uuid"
)

// protocolVersion is the server release whose protocol is spoken.
const protocolVersion = "24.10.0"

// features tells clients what they may call. Batch append is not among it, so they use Append.
// Clients ask before they have credentials to give: neither this nor the gossip wants any.
type features struct {
	serverfeatures.UnimplementedServerFeaturesServer
}

func (features) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	methods := &serverfeatures.SupportedMethods{EventStoreServerVersion: protocolVersion}
	for _, name := range []string{"append", "read", "delete", "tombstone"} {
		m := &serverfeatures.SupportedMethod{ServiceName: "event_store.client.streams.streams", MethodName: name}
		if name == "read" {
			m.Features = []string{"position", "events"}
		}
		methods.Methods = append(methods.Methods, m)
	}
	methods.Methods = append(methods.Methods,
		&serverfeatures.SupportedMethod{ServiceName: "event_store.client.gossip.gossip", MethodName: "read"},
		&serverfeatures.SupportedMethod{ServiceName: "event_store.client.server_features.serverfeatures", MethodName: "getsupportedmethods"})
	return methods, nil
}

// members is the gossip of a cluster of one, which is always the leader.
type members struct {
	gossip.UnimplementedGossipServer
	id   uuid.UUID
	host string
	port uint32
}

func (m *members) Read(context.Context, *shared.Empty) (*gossip.ClusterInfo, error) {
	return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{{
		InstanceId:   wireID(m.id, false),
		TimeStamp:    ticks(time.Now()),
		State:        gossip.MemberInfo_Leader,
		IsAlive:      true,
		HttpEndPoint: &gossip.EndPoint{Address: m.host, Port: m.port},
	}}}, nil
}
