#include "broker/coordinator/peer_links.h"

#include <string>
#include <utility>
#include <vector>

namespace weir::coordinator {

class PeerLinks::Link {
 public:
  Link(PeerLinks& owner, NodeId to, replica::PeerAddress address)
      : owner_(owner), to_(to), address_(std::move(address)) {
    FrameEvents events;
    events.on_open = [this] { OnOpen(); };
    events.on_frame = [this](SharedBytes frame) { OnFrame(std::move(frame)); };
    events.on_close = [this](const std::string&) { owner_.End(to_, this); };
    connection_ = owner_.dialer_.Dial(address_.host, address_.port, std::move(events));
  }
  ~Link() {
    for (const auto& [id, waiting] : waiting_) owner_.executor_.Cancel(waiting.timer);
  }

  const replica::PeerAddress& address() const { return address_; }

  void Send(int32_t id, std::vector<SharedBytes> frame, MonoTime deadline, Done done) {
    const auto timer = owner_.executor_.PostAt(deadline, [this] { owner_.End(to_, this); });
    waiting_.emplace(id, Waiting{timer, std::move(done)});
    if (open_) return connection_->Send(std::move(frame));
    unsent_.push_back(std::move(frame));
  }

  // All that wait, in the order of their requests; none is left.
  std::vector<Done> TakeWaiting() {
    std::vector<Done> taken;
    for (auto& [id, waiting] : waiting_) {
      owner_.executor_.Cancel(waiting.timer);
      taken.push_back(std::move(waiting.done));
    }
    waiting_.clear();
    return taken;
  }

 private:
  struct Waiting {
    Executor::TimerId timer;
    Done done;
  };

  void OnOpen() {
    open_ = true;
    for (std::vector<SharedBytes>& frame : std::exchange(unsent_, {})) {
      connection_->Send(std::move(frame));
    }
  }

  void OnFrame(SharedBytes frame) {
    if (frame.size() < sizeof(int32_t)) return owner_.End(to_, this);
    auto found = waiting_.extract(wire::LoadBigEndian<int32_t>(frame.view().data()));
    // An answer to nothing: what follows cannot be trusted.
    if (found.empty()) return owner_.End(to_, this);
    owner_.executor_.Cancel(found.mapped().timer);
    found.mapped().done(std::move(frame));
  }

  PeerLinks& owner_;
  const NodeId to_;
  const replica::PeerAddress address_;
  bool open_ = false;
  std::vector<std::vector<SharedBytes>> unsent_;
  std::map<int32_t, Waiting> waiting_;
  std::unique_ptr<FrameConnection> connection_;
};

PeerLinks::PeerLinks(NodeId node_id, Executor& executor, FrameDialer& dialer)
    : node_id_(node_id), executor_(executor), dialer_(dialer) {}

PeerLinks::~PeerLinks() = default;

void PeerLinks::Send(NodeId to, const replica::PeerAddress& address, int32_t id,
                     std::vector<SharedBytes> frame, MonoTime deadline, Done done) {
  const auto known = links_.find(to);
  if (known != links_.end() && known->second->address() != address) End(to, known->second.get());
  std::unique_ptr<Link>& link = links_[to];
  if (link == nullptr) link = std::make_unique<Link>(*this, to, address);
  link->Send(id, std::move(frame), deadline, std::move(done));
}

// This may be inside one of the link's events: it ends after them, and so do those that wait. Until
// then it may be called again for it; another may have its place.
void PeerLinks::End(NodeId to, const Link* link) {
  const auto ended = links_.find(to);
  if (ended == links_.end() || ended->second.get() != link) return;
  executor_.Post([link = std::move(links_.extract(ended).mapped())] {
    for (Done& done : link->TakeWaiting()) done(std::nullopt);
  });
}

}  // namespace weir::coordinator
