#include "broker/metadata/replication_link.h"

namespace weir::broker {

using replica::FollowerFetch;
using replica::TakenFetch;

void ReplicationLink::TakeFetched(size_t home, std::vector<FollowerFetch> fetched,
                                  replica::TakeFetchedDone done) {
  if (directories_.AnyFull()) {
    return TakeSome(home, std::move(fetched), std::move(done));
  }
  homes_[home].stuck.OnRoom();
  router_.TakeFetched(home, std::move(fetched), std::move(done));
}

void ReplicationLink::TakeSome(size_t home, std::vector<FollowerFetch> fetched,
                               replica::TakeFetchedDone done) {
  std::vector<TakenFetch> outcomes(fetched.size(), {.error = ErrorCode::kKafkaStorageError});
  std::vector<FollowerFetch> taken;
  std::vector<size_t> places;
  for (size_t i = 0; i < fetched.size(); ++i) {
    if (!fetched[i].records.empty()) {
      if (directories_.IsFull(fetched[i].partition)) {
        AskToGiveUp(homes_[home], fetched[i].partition);
        continue;
      }
      homes_[home].stuck.OnRoom(fetched[i].partition);
    }
    taken.push_back(std::move(fetched[i]));
    places.push_back(i);
  }
  if (taken.empty()) return done(std::move(outcomes));
  router_.TakeFetched(home, std::move(taken),
                      [outcomes = std::move(outcomes), places = std::move(places),
                       done = std::move(done)](std::vector<TakenFetch> some) mutable {
                        for (size_t i = 0; i < places.size(); ++i) outcomes[places[i]] = some[i];
                        done(std::move(outcomes));
                      });
}

void ReplicationLink::AskToGiveUp(Home& home, const replica::TopicPartition& partition) {
  if (!home.stuck.OnNoRoom(partition)) return;
  updates_.GiveUp(partition, [&home, partition](replica::GivenUpAnswer answer) {
    home.executor->Post(
        [&home, partition, answer] { home.stuck.OnAnswer(partition, answer.error); });
  });
}

}  // namespace weir::broker
