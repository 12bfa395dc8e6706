// SPDX-License-Identifier: Apache-2.0
#include "event/store/search_function.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "event/store/database.h"

namespace ekshume::event {
namespace {

class SearchFunctionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<Database>> database =
        Database::Open(":memory:", Database::Access::kWrite, {});
    ASSERT_TRUE(database);
    database_ = std::move(*database);
    ASSERT_TRUE(RegisterSearchFunction(database_->connection()));
  }
  int64_t Number(const std::string& sql) {
    const Result<int64_t> number = database_->Number(sql);
    EXPECT_TRUE(number) << (number ? "" : number.error().message);
    return number ? *number : -1;
  }
  std::unique_ptr<Database> database_;
};

TEST_F(SearchFunctionTest, FindsShortAndLongTexts) {
  EXPECT_EQ(1, Number("SELECT ekshume_contains('CURL', 'curl')::INT"));
  EXPECT_EQ(0, Number("SELECT ekshume_contains('wget', 'curl')::INT"));
  EXPECT_EQ(1, Number("SELECT ekshume_contains(repeat('-', 500) || 'cUrL', 'curl')::INT"));
  EXPECT_EQ(1, Number("SELECT (ekshume_contains(NULL, 'curl') IS NULL)::INT"));
  EXPECT_EQ(1, Number("SELECT (ekshume_contains('curl', NULL) IS NULL)::INT"));
}

// Many rows, most without a value, in every kind of vector that a table's columns give.
TEST_F(SearchFunctionTest, AgreesWithContainsOnWholeTables) {
  ASSERT_TRUE(database_->Execute(
      "CREATE TABLE t AS SELECT CASE WHEN i % 7 < 3 THEN md5(i::VARCHAR) || 'ABC' END AS unlike, "
      "CASE WHEN i % 1000 < 200 THEN 'Value' || i % 5 END AS alike, NULL::VARCHAR AS none, "
      "'x' AS small FROM range(50000) AS r(i)"));
  for (const char* column : {"unlike", "alike", "none", "small"}) {
    for (const char* text : {"a", "value3", "4eabc", "x", "nothing"}) {
      const std::string from = fmt::format("{}, '{}')", column, text);
      const std::string lower = fmt::format("contains(lower({}), '{}')", column, text);
      EXPECT_EQ(0, Number(fmt::format(
                       "SELECT count(*) FROM t WHERE ekshume_contains({} IS DISTINCT FROM {}", from,
                       lower)))
          << column << ' ' << text;
      EXPECT_EQ(Number("SELECT count(*) FROM t WHERE alike = 'Value1' OR " + lower),
                Number("SELECT count(*) FROM t WHERE alike = 'Value1' OR ekshume_contains(" + from))
          << column << ' ' << text;
    }
  }
}

}  // namespace
}  // namespace ekshume::event
