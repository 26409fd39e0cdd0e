// Configuration as records, for tests that apply or commit it.
#pragma once

#include <string>

#include "common/metadata/image.h"
#include "proto/record.pb.h"

namespace weir::test {

inline void AddConfig(const metadata::ConfigResource& resource, const std::string& key,
                      const std::string& value, metadata::v1::MetadataBatch* batch) {
  metadata::v1::ConfigRecord* record = batch->add_records()->mutable_config();
  record->set_resource_type(resource.type);
  record->set_resource_name(resource.name);
  record->set_key(key);
  record->set_value(value);
}

}  // namespace weir::test
