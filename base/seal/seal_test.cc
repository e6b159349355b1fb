#include "base/seal/seal.h"

#include <gtest/gtest.h>

namespace fencepost::seal {
namespace {

TEST(Seal, OpensWhatItSealed) {
  const ClusterKey key(ClusterKey::Secret{1, 2, 3});
  const Nonce24 nonce{7};
  const Bytes header{1, 2}, plain{3, 4, 5};
  const auto opened = Open(key, nonce, header, Seal(key, nonce, header, plain));
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(*opened, plain);
}

}  // namespace
}  // namespace fencepost::seal
