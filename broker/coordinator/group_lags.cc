#include "broker/coordinator/group_lags.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "broker/metadata/reconciler.h"
#include "common/metadata/group_partition.h"

namespace weir::coordinator {

using replica::PositionsOutcome;
using replica::TopicPartition;

// One answer in the making.
class GroupLags::Round : public std::enable_shared_from_this<Round> {
 public:
  Round(GroupLags& owner, bool all_groups, MonoTime deadline, Done done)
      : owner_(owner),
        image_(owner.images_.At(owner.home_.shard)),
        all_groups_(all_groups),
        deadline_(deadline),
        done_(std::move(done)) {}

  // `one`: the only group, with its last reset.
  void Start(std::vector<replica::GroupOffset> offsets, std::optional<GroupLag> one) {
    one_ = std::move(one);
    if (one_ && one_->last_reset) DropTopicsGone(*one_->last_reset);
    for (replica::GroupOffset& each : offsets) Add(std::move(each));
    std::map<NodeId, std::vector<TopicPartition>> by_leader;
    for (const auto& [id, question] : questions_) by_leader[question.leader].push_back(id);
    waits_for_ = 1;
    for (auto& [leader, ids] : by_leader) AskLeader(leader, std::move(ids));
    CountDown();
  }

 private:
  struct Question {
    std::string topic;
    NodeId leader = kNoNode;
    std::set<Offset> committed;
    // Committed offsets whose record's time is not known.
    std::vector<Offset> unknown;
    // The answer.
    PositionsOutcome positions;
    Times times;
  };
  struct Row {
    std::string group;
    TopicPartition id;
    log::CommittedOffset offset;
  };

  // The topic of that name, unless `value` is of another that had its name before.
  const metadata::Topic* TopicOf(std::string_view name,
                                 const wire::OffsetCommitValue* value) const {
    const metadata::Topic* topic = image_->FindTopic(name);
    if (topic == nullptr || value == nullptr || value->topic_id.IsZero()) return topic;
    return topic->id == value->topic_id ? topic : nullptr;
  }

  void DropTopicsGone(wire::OffsetReset& reset) const {
    std::erase_if(reset.entries, [this](const wire::OffsetReset::Entry& entry) {
      return TopicOf(entry.topic, entry.before ? &*entry.before : nullptr) == nullptr;
    });
  }

  void Add(replica::GroupOffset each) {
    const metadata::Topic* topic = TopicOf(each.offset.topic, &each.offset.value);
    if (topic == nullptr) return;
    const PartitionIndex index(each.offset.partition);
    const metadata::Partition* partition = topic->FindPartition(index);
    if (partition == nullptr) return;
    const TopicPartition id{topic->id, index};
    Question& question = questions_[id];
    question.topic = topic->name;
    question.leader = partition->leader;
    question.committed.insert(Offset(each.offset.value.offset));
    rows_.push_back({std::move(each.group), id, std::move(each.offset)});
  }

  // Takes from the memory what it has.
  void Prepare(const TopicPartition& id, Question& question) const {
    const auto known = owner_.known_.find(id);
    for (const Offset offset : question.committed) {
      if (known != owner_.known_.end()) {
        const auto time = known->second.find(offset);
        if (time != known->second.end()) {
          question.times.insert(*time);
          continue;
        }
      }
      question.unknown.push_back(offset);
    }
  }

  void AskLeader(NodeId leader, std::vector<TopicPartition> ids) {
    for (const TopicPartition& id : ids) Prepare(id, questions_.at(id));
    const auto addresses = broker::InterBrokerAddresses(*image_);
    const auto address = addresses.find(leader);
    ++waits_for_;
    if (leader == owner_.node_id_) {
      AskPartitions(std::make_shared<std::vector<TopicPartition>>(std::move(ids)), 0);
    } else if (leader == kNoNode || address == addresses.end()) {
      for (const TopicPartition& id : ids) {
        questions_.at(id).positions.error = ErrorCode::kLeaderNotAvailable;
      }
      CountDown();
    } else {
      std::vector<PeerPositions::Part> parts;
      for (const TopicPartition& id : ids) {
        const Question& question = questions_.at(id);
        parts.push_back({question.topic, id.partition.value(), question.unknown});
      }
      owner_.peers_.Ask(address->second, std::move(parts), deadline_,
                        [round = shared_from_this(),
                         ids = std::move(ids)](std::vector<PositionsOutcome> outcomes) {
                          round->Take(ids, 0, std::move(outcomes));
                          round->CountDown();
                        });
    }
  }

  // The partitions that are led here, from `first` on, some at a time.
  void AskPartitions(std::shared_ptr<std::vector<TopicPartition>> ids, size_t first) {
    std::vector<replica::PositionsPart> parts;
    size_t questions = 0;
    for (size_t i = first; i < ids->size() && questions < kQuestionsMax; ++i) {
      parts.push_back({(*ids)[i], questions_.at((*ids)[i]).unknown});
      questions += 1 + parts.back().offsets.size();
    }
    const bool is_late = owner_.home_.executor.Now() >= deadline_;
    if (is_late) {
      for (size_t i = first; i < ids->size(); ++i) {
        questions_.at((*ids)[i]).positions.error = ErrorCode::kRequestTimedOut;
      }
    }
    if (is_late || parts.empty()) return CountDown();
    owner_.partitions_.Positions(
        owner_.home_.shard, std::move(parts),
        [round = shared_from_this(), ids, first](std::vector<PositionsOutcome> outcomes) {
          const size_t next = first + outcomes.size();
          round->Take(*ids, first, std::move(outcomes));
          // Others have their turn.
          round->owner_.home_.executor.Post(
              [round, ids, next] { round->AskPartitions(ids, next); });
        });
  }

  void Take(const std::vector<TopicPartition>& ids, size_t first,
            std::vector<PositionsOutcome> outcomes) {
    for (size_t i = 0; i < outcomes.size(); ++i) {
      Question& question = questions_.at(ids[first + i]);
      question.positions = std::move(outcomes[i]);
      const auto& times = question.positions.times;
      for (size_t at = 0; at < times.size() && at < question.unknown.size(); ++at) {
        question.times[question.unknown[at]] = times[at];
      }
    }
  }

  void CountDown() {
    if (--waits_for_ > 0) return;
    // What was remembered of records that are gone counts no more.
    for (auto& [id, question] : questions_) {
      std::erase_if(question.times, [&question](const auto& time) {
        return time.second.offset < question.positions.log_start_offset &&
               time.second.offset != replica::kNoOffset;
      });
    }
    Report();
    if (all_groups_) Remember();
  }

  void Report() {
    std::sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
      return std::tie(a.group, a.offset.topic, a.offset.partition) <
             std::tie(b.group, b.offset.topic, b.offset.partition);
    });
    GroupLagReport report{.error = ErrorCode::kNone, .coordinator = owner_.node_id_, .groups = {}};
    const WallTime now = owner_.home_.executor.WallNow();
    if (one_) report.groups.push_back(*std::move(one_));
    for (Row& row : rows_) {
      if (report.groups.empty() || report.groups.back().group != row.group) {
        report.groups.push_back({.group = row.group, .partitions = {}, .last_reset = {}});
      }
      const Question& question = questions_.at(row.id);
      const Offset committed(row.offset.value.offset);
      PartitionLag partition;
      partition.committed = std::move(row.offset);
      partition.error = question.positions.error;
      if (partition.error == ErrorCode::kNone) {
        partition.log_start_offset = question.positions.log_start_offset;
        partition.end_offset = question.positions.end_offset;
        std::optional<PositionsOutcome::Time> first;
        const auto time = question.times.find(committed);
        if (time != question.times.end()) first = time->second;
        partition.lag = LagOf(committed, partition.end_offset, first, now);
      }
      report.groups.back().partitions.push_back(std::move(partition));
    }
    done_(std::move(report));
  }

  // Only times of records: where there was none, one may come.
  void Remember() {
    owner_.known_.clear();
    for (auto& [id, question] : questions_) {
      std::erase_if(question.times,
                    [](const auto& time) { return time.second.offset == replica::kNoOffset; });
      if (!question.times.empty()) owner_.known_[id] = std::move(question.times);
    }
  }

  GroupLags& owner_;
  const broker::ImagePtr image_;
  const bool all_groups_;
  const MonoTime deadline_;
  Done done_;
  std::map<TopicPartition, Question> questions_;
  std::vector<Row> rows_;
  std::optional<GroupLag> one_;
  size_t waits_for_ = 0;
};

GroupLags::GroupLags(NodeId node_id, Home home, const broker::ImageHolder& images,
                     replica::PartitionRouter& partitions)
    : node_id_(node_id),
      home_(home),
      images_(images),
      partitions_(partitions),
      peers_(node_id, home.executor, home.dialer) {}

void GroupLags::Ask(std::optional<std::string> group, Duration patience, Done done) {
  home_.executor.Post([this, group = std::move(group), patience, done = std::move(done)]() mutable {
    AskHere(std::move(group), home_.executor.Now() + patience, std::move(done));
  });
}

void GroupLags::AskHere(std::optional<std::string> group, MonoTime deadline, Done done) {
  if (group) return AskOne(*group, deadline, std::move(done));
  auto round = std::make_shared<Round>(*this, true, deadline, std::move(done));
  partitions_.AllOffsets(home_.shard, [round](std::vector<replica::GroupOffset> offsets) {
    round->Start(std::move(offsets), std::nullopt);
  });
}

void GroupLags::AskOne(const std::string& group, MonoTime deadline, Done done) {
  const auto place = metadata::FindGroupPartition(*images_.At(home_.shard), group);
  // Nobody has committed anything yet.
  if (!place) return done({});
  if (place->leader != node_id_) {
    const ErrorCode error =
        place->leader == kNoNode ? ErrorCode::kCoordinatorNotAvailable : ErrorCode::kNotCoordinator;
    return done({.error = error, .coordinator = place->leader, .groups = {}});
  }
  std::vector<replica::OffsetQuery> queries;
  queries.push_back(
      {.partition = {place->topic_id, place->index}, .group = group, .topics = std::nullopt});
  partitions_.QueryOffsets(
      home_.shard, std::move(queries),
      [this, group, deadline,
       done = std::move(done)](std::vector<replica::OffsetQueryOutcome> outcomes) mutable {
        replica::OffsetQueryOutcome& outcome = outcomes.at(0);
        if (outcome.error != ErrorCode::kNone) {
          return done({.error = outcome.error, .coordinator = node_id_, .groups = {}});
        }
        std::vector<replica::GroupOffset> offsets;
        for (log::CommittedOffset& offset : outcome.offsets) {
          offsets.push_back({group, std::move(offset)});
        }
        auto round = std::make_shared<Round>(*this, false, deadline, std::move(done));
        round->Start(std::move(offsets), GroupLag{.group = group,
                                                  .partitions = {},
                                                  .last_reset = std::move(outcome.last_reset)});
      });
}

}  // namespace weir::coordinator
