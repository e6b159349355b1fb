// The subcommands of the operator's command: one function and one file each.
//
// Promise: Commands() is the table that the command runs and its help prints.
// Errors:  exit codes as in command.h.
#pragma once
#include <span>

#include "membership/fencepost/command.h"

namespace fencepost::command {

int Check(const Arguments& arguments, Io& io);
int Keygen(const Arguments& arguments, Io& io);
int ShowStatus(const Arguments& arguments, Io& io);
int Stop(const Arguments& arguments, Io& io);
int Attribute(const Arguments& arguments, Io& io);
int Cleanup(const Arguments& arguments, Io& io);
int FenceConfirm(const Arguments& arguments, Io& io);
int DiskMessage(const Arguments& arguments, Io& io);
int Init(const Arguments& arguments, Io& io);
int CibCheck(const Arguments& arguments, Io& io);
int CibLoad(const Arguments& arguments, Io& io);
int Simulate(const Arguments& arguments, Io& io);
int QuorumTiming(const Arguments& arguments, Io& io);

[[nodiscard]] std::span<const Command> Commands();

}  // namespace fencepost::command
