// Every Raft message to its form on the wire and back; odd input is an error.
#include "controller/quorum/conversions.h"

#include <gtest/gtest.h>

#include "common/base/prng.h"

namespace weir::quorum {
namespace {

raft::MessageHeader Header() {
  Prng prng(3);
  raft::MessageHeader header;
  header.cluster_id = Uuid::Random(prng);
  header.from = {NodeId(1), Uuid::Random(prng)};
  header.to = {NodeId(2), Uuid::Random(prng)};
  header.term = Term(9);
  return header;
}

std::vector<raft::Message> AllKinds() {
  const raft::MessageHeader header = Header();
  const auto bytes = std::make_shared<const std::string>("bytes\0more");
  raft::SnapshotMeta meta{LogIndex(7), Term(3), {}};
  meta.configuration.members.push_back({NodeId(1), header.from.directory_id, "a:1", true});
  return {
      raft::PreVoteRequest{header, Term(10), LogIndex(5), Term(4)},
      raft::PreVoteResponse{header, Term(10), true},
      raft::VoteRequest{header, LogIndex(5), Term(4), true},
      raft::VoteResponse{header, true},
      raft::AppendRequest{header,
                          LogIndex(5),
                          Term(4),
                          {{Term(8), LogIndex(6), raft::EntryType::kNormal, bytes},
                           {Term(9), LogIndex(7), raft::EntryType::kLeaderStart, bytes},
                           {Term(9), LogIndex(8), raft::EntryType::kConfiguration, bytes}},
                          LogIndex(4)},
      raft::AppendResponse{header, true, LogIndex(8), LogIndex(3), Term(2)},
      raft::HeartbeatRequest{header, LogIndex(4), 77},
      raft::HeartbeatResponse{header, 77},
      raft::SnapshotRequest{header, meta, 1024, bytes, true},
      raft::SnapshotResponse{header, LogIndex(7), Term(3), 2048, true, true},
      raft::TimeoutNow{header},
  };
}

TEST(Conversions, EveryKindComesBack) {
  const auto all = AllKinds();
  ASSERT_EQ(all.size(), std::variant_size_v<raft::Message>);
  for (const raft::Message& message : all) {
    const raft::v1::RaftMessage wire = ToProto(message);
    const auto back = FromProto(wire);
    ASSERT_TRUE(back) << raft::MessageName(message);
    EXPECT_EQ(back->index(), message.index());
    EXPECT_EQ(raft::ToString(*back), raft::ToString(message));
    EXPECT_EQ(ToProto(*back).SerializeAsString(), wire.SerializeAsString());
  }
}

TEST(Conversions, X10_OddMessagesAreErrors) {
  for (const raft::Message& message : AllKinds()) {
    raft::v1::RaftMessage wire = ToProto(message);
    wire.mutable_from()->set_directory_id("short");
    EXPECT_FALSE(FromProto(wire));
    wire = ToProto(message);
    wire.clear_cluster_id();
    EXPECT_FALSE(FromProto(wire));
  }
  raft::v1::RaftMessage wire = ToProto(AllKinds()[4]);
  wire.mutable_append_request()->mutable_entries(0)->set_type(raft::v1::ENTRY_UNSPECIFIED);
  EXPECT_FALSE(FromProto(wire));
  wire = ToProto(AllKinds()[3]);
  wire.clear_kind();
  EXPECT_FALSE(FromProto(wire));
}

}  // namespace
}  // namespace weir::quorum
