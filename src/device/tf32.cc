#include "device/shared/tf32.h"

#include <mutex>

#include <ATen/Context.h>

namespace pillar {
namespace {

struct Tf32Users {
  std::mutex mutex;
  int count = 0;
};

Tf32Users& tf32_users() {
  static Tf32Users users;
  return users;
}

void set_tf32(bool on) {
  at::globalContext().setAllowTF32CuDNN(on);
  at::globalContext().setAllowTF32CuBLAS(on);
}

}  // namespace

void forbid_tf32() {
  set_tf32(false);
}

Tf32Products::Tf32Products(bool wanted) : wanted_(wanted) {
  if (!wanted_) return;
  Tf32Users& users = tf32_users();
  const std::lock_guard lock(users.mutex);
  if (users.count++ == 0) set_tf32(true);
}

Tf32Products::~Tf32Products() {
  if (!wanted_) return;
  Tf32Users& users = tf32_users();
  const std::lock_guard lock(users.mutex);
  if (--users.count == 0) set_tf32(false);
}

}  // namespace pillar
