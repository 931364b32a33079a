#include "world/rendezvous_store.h"

#include "pillar/core/fail.h"
#include "pillar/core/host_name.h"

#include "core/shared/first_line.h"
#include "world/endpoint.h"

#include <algorithm>
#include <future>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pillar {
namespace {

using Clock = std::chrono::steady_clock;
using StorePtr = c10::intrusive_ptr<c10d::TCPStore>;

constexpr const char* kLoopback = "127.0.0.1";

std::string place(const Rendezvous& rendezvous) {
  return fmt::format("{}:{}", rendezvous.master_address, rendezvous.master_port);
}

// Whether launch_local() handed down a socket that listens. It is taken over: no child may keep it open.
bool take_over(int listening) {
  int listens = 0;
  socklen_t size = sizeof(listens);
  const bool good =
      listening >= 0 && ::getsockopt(listening, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0;
  return good && listens != 0 && ::fcntl(listening, F_SETFD, FD_CLOEXEC) == 0;
}

StorePtr host_store(const Rendezvous& rendezvous, std::chrono::milliseconds patience) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(rendezvous.master_port);
  options.isServer = true;
  options.waitWorkers = false;
  options.timeout = patience;
  if (take_over(rendezvous.listening)) options.masterListenFd = rendezvous.listening;
  try {
    return c10::make_intrusive<c10d::TCPStore>(kLoopback, options);
  } catch (const std::exception& error) {
    const std::string reason = first_line(error.what());
    if (reason.find("EADDRINUSE") != std::string::npos || reason.find("in use") != std::string::npos) {
      fail(ErrorCategory::io,
           "port {} of this host is in use by another program: set MASTER_PORT to one that is free",
           rendezvous.master_port);
    }
    fail(ErrorCategory::io, "rank 0 cannot listen on port {}: {}", rendezvous.master_port, reason);
  }
}

// The constructor waits without end for a program that takes the connection and says nothing, so it runs on a
// thread that can be left behind.
StorePtr join_store(const Rendezvous& rendezvous, std::chrono::milliseconds patience) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(rendezvous.master_port);
  options.waitWorkers = false;
  options.timeout = patience;
  const std::string host = rendezvous.rank == 0 ? kLoopback : rendezvous.master_address;
  std::promise<StorePtr> promise;
  std::future<StorePtr> connected = promise.get_future();
  std::thread([host, options, promise = std::move(promise)]() mutable {
    try {
      promise.set_value(c10::make_intrusive<c10d::TCPStore>(host, options));
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  }).detach();
  std::string reason = "it does not answer";
  try {
    if (connected.wait_for(patience + std::chrono::seconds(5)) == std::future_status::ready)
      return connected.get();
  } catch (const std::exception& error) {
    reason = first_line(error.what());
  }
  fail(ErrorCategory::io,
       "{} takes connections, but does not answer as rank 0 of this training ({}): check MASTER_PORT",
       place(rendezvous), reason);
}

std::string key(const char* what, std::int64_t rank) {
  return fmt::format("{}/{}", what, rank);
}

std::string list_of(const std::vector<std::int64_t>& ranks) {
  constexpr std::size_t kShown = 16;
  const auto shown = std::span(ranks).first(std::min(ranks.size(), kShown));
  const std::string more =
      ranks.size() > kShown ? fmt::format(" and {} more", ranks.size() - kShown) : std::string();
  return fmt::format("{} {}{}", ranks.size() == 1 ? "rank" : "ranks", fmt::join(shown, ", "), more);
}

std::vector<std::int64_t> missing(c10d::TCPStore& store, std::int64_t size) {
  std::vector<std::string> all;
  for (std::int64_t rank = 0; rank < size; ++rank) all.push_back(key("who", rank));
  if (store.check(all)) return {};
  std::vector<std::int64_t> found;
  for (std::int64_t rank = 0; rank < size; ++rank)
    if (!store.check({key("who", rank)})) found.push_back(rank);
  return found;
}

void announce(c10d::TCPStore& store, const Rendezvous& rendezvous, const Endpoint& endpoint) {
  if (store.add(key("here", rendezvous.rank), 1) != 1) {
    fail(ErrorCategory::usage,
         "two processes at {} call themselves rank {}: each needs its own, and each training its own "
         "MASTER_PORT",
         place(rendezvous), rendezvous.rank);
  }
  if (rendezvous.rank == 0) store.c10d::Store::set("size", std::to_string(rendezvous.size));
  const std::string size = store.get_to_str("size");
  if (size != std::to_string(rendezvous.size)) {
    fail(ErrorCategory::usage, "rank {} was told of {} processes, rank 0 of {}", rendezvous.rank,
         rendezvous.size, size);
  }
  store.c10d::Store::set(key("line", rendezvous.rank), to_text(MemberLine{}));
  if (!endpoint.master.empty() && !is_loopback(endpoint.master))
    store.c10d::Store::set("master", endpoint.master);
  const nlohmann::json who = {{"host", host_name()}, {"pid", ::getpid()}};
  store.c10d::Store::set(key("who", rendezvous.rank), who.dump());
}

void wait_for_all(c10d::TCPStore& store, const Rendezvous& rendezvous, std::chrono::milliseconds patience) {
  const auto start = Clock::now();
  auto next_word = start + std::chrono::seconds(15);
  while (true) {
    const std::vector<std::int64_t> absent = missing(store, rendezvous.size);
    if (absent.empty()) return;
    if (store.check({"fault"})) fail(ErrorCategory::io, "{}", store.get_to_str("fault"));
    const auto now = Clock::now();
    if (now - start > patience) {
      fail(
          ErrorCategory::io,
          "waited {} s at {} for {} of {} processes: {} did not come (does each host start its own, with the "
          "same address and port?)",
          std::chrono::duration_cast<std::chrono::seconds>(patience).count(), place(rendezvous),
          absent.size(), rendezvous.size, list_of(absent));
    }
    if (now > next_word) {
      spdlog::info("waiting for {} of {} at {}", list_of(absent), rendezvous.size, place(rendezvous));
      next_word = now + std::chrono::seconds(60);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

// So that they need not wait for others who will not come.
void tell_others(c10d::TCPStore& store, const Rendezvous& rendezvous, const char* message) noexcept {
  try {
    store.c10d::Store::set("fault", message);
    // The store goes with rank 0.
    if (rendezvous.rank == 0) std::this_thread::sleep_for(std::chrono::seconds(1));
  } catch (...) {  // they find out by themselves
  }
}

std::vector<std::string> names_of(c10d::TCPStore& store, std::int64_t size) {
  std::vector<std::string> names;
  for (std::int64_t rank = 0; rank < size; ++rank) {
    const auto who = nlohmann::json::parse(store.get_to_str(key("who", rank)));
    names.push_back(fmt::format("rank {} (host {}, pid {})", rank, who.at("host").get<std::string>(),
                                who.at("pid").get<std::int64_t>()));
  }
  return names;
}

}  // namespace

RendezvousStore open_rendezvous_store(const Rendezvous& rendezvous, std::chrono::milliseconds patience) {
  RendezvousStore opened;
  Endpoint endpoint;
  if (rendezvous.rank == 0) {
    opened.store = host_store(rendezvous, patience);
    endpoint.own = kLoopback;
  } else {
    endpoint = reach(rendezvous.master_address, rendezvous.master_port, patience);
    opened.store = join_store(rendezvous, std::min(patience, std::chrono::milliseconds(60000)));
    opened.store->setTimeout(patience);
  }
  try {
    announce(*opened.store, rendezvous, endpoint);
    wait_for_all(*opened.store, rendezvous, patience);
    opened.names = names_of(*opened.store, rendezvous.size);
    // Rank 0, and those on its host, may know themselves only by a loopback name: the others know better.
    opened.address = endpoint.own;
    if (is_loopback(endpoint.own) && opened.store->check({"master"}))
      opened.address = opened.store->get_to_str("master");
  } catch (const Error& error) {
    tell_others(*opened.store, rendezvous, error.what());
    throw;
  } catch (const std::exception& error) {
    fail(ErrorCategory::io, "rank 0 at {} has gone while the processes were meeting ({})", place(rendezvous),
         first_line(error.what()));
  }
  return opened;
}

MembershipStore membership_store(const Rendezvous& rendezvous, std::chrono::milliseconds patience) {
  const StorePtr store = join_store(rendezvous, patience);
  std::vector<std::string> keys;
  for (std::int64_t rank = 0; rank < rendezvous.size; ++rank) keys.push_back(key("line", rank));
  MembershipStore lines;
  lines.write_own = [store, own = keys[rendezvous.rank]](const std::string& line) {
    store->c10d::Store::set(own, line);
  };
  lines.read_all = [store, keys] {
    std::vector<std::string> texts;
    for (const std::vector<std::uint8_t>& text : store->multiGet(keys))
      texts.emplace_back(text.begin(), text.end());
    return texts;
  };
  return lines;
}

}  // namespace pillar
