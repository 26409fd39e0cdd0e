// The commands of `weir`, one function per noun; each adds its verbs with their options.
// Thread rule: main thread, at start-up.
#pragma once

#include "controller/ctl/command.h"

namespace weir::ctl {

// weir dev, and its verbs for a running one: restart, status, stop.
void AddDevCommands(Commands& commands);
void AddDevControlCommands(Commands& commands, CLI::App& dev);
// weir topic list|describe|config.
void AddTopicReadCommands(Commands& commands, CLI::App& topic);
// weir topic create|alter|delete.
void AddTopicChangeCommands(Commands& commands, CLI::App& topic);
// weir topic produce|consume.
void AddProduceCommand(Commands& commands, CLI::App& topic);
void AddConsumeCommand(Commands& commands, CLI::App& topic);
// weir group list|describe.
void AddGroupReadCommands(Commands& commands, CLI::App& group);
// weir group seek|undo-reset|delete.
void AddGroupChangeCommands(Commands& commands, CLI::App& group);
// weir cluster describe.
void AddClusterCommands(Commands& commands);
// weir broker list|describe|drain|can-stop.
void AddBrokerCommands(Commands& commands);
// weir broker drain|can-stop.
void AddDrainCommands(Commands& commands, CLI::App& broker);
// weir partition list|move|cancel.
void AddPartitionCommands(Commands& commands);
// weir partition elect.
void AddPartitionElectCommand(Commands& commands);
// weir quorum describe|add|remove|replace|transfer.
void AddQuorumCommands(Commands& commands);
// weir profile create|use|list|show|delete.
void AddProfileCommands(Commands& commands);
// weir errcode.
void AddErrorCodeCommand(Commands& commands);

}  // namespace weir::ctl
