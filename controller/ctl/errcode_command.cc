// weir errcode: what a Kafka error code means.
#include "controller/ctl/commands.h"

namespace weir::ctl {
namespace {

class ErrorCodeCommand final : public Command {
 public:
  explicit ErrorCodeCommand(CLI::App& app) {
    app.add_option("NUMBER", number_, "The code as a client or a log shows it")->required();
  }

  Outcome Run(Session& session) override {
    const ErrorCode code = ErrorCodeFromNumber(number_);
    if (static_cast<int>(code) != number_)
      return UsageError("Kafka's protocol defines no error code " + std::to_string(number_));
    const std::string name(ErrorName(code));
    const bool retriable = IsRetriable(code);
    if (session.json()) {
      session.Print("{\"code\": " + std::to_string(number_) + ", \"name\": \"" + name +
                    "\", \"retriable\": " + (retriable ? "true" : "false") + "}\n");
      return ExitCode::kOk;
    }
    session.Print(std::to_string(number_) + " " + name +
                  (retriable ? "  (retriable: the same request may succeed later)\n"
                             : "  (not retriable)\n"));
    if (const std::string next = NextCommand(code); !next.empty())
      session.Print("next:  " + next + "\n");
    return ExitCode::kOk;
  }

 private:
  int number_ = 0;
};

}  // namespace

void AddErrorCodeCommand(Commands& commands) {
  commands.Add<ErrorCodeCommand>(commands.app(), "errcode", "Explain an error code of Kafka");
}

}  // namespace weir::ctl
