// DescribeConfigs (key 32) from the image and the options tables, and ListConfigResources (key 74).
//
// Every key is listed with its default (USERS, "What a Kafka clone gets wrong first"). A broker's
// own file counts only in answers about that broker: tools ask each broker about itself.
#include <utility>

#include "broker/handlers/handlers.h"
#include "broker/handlers/registry.h"
#include "broker/wire/messages/configs.h"
#include "common/metadata/config_option.h"
#include "common/metadata/effective_config.h"

namespace weir::handlers {
namespace {

using wire::DescribeConfigsRequest;
using wire::DescribeConfigsResponse;

// The protocol's numbers; 0 is "unknown".
int8_t TypeNumber(std::string_view name) {
  for (int8_t number = 1; number <= static_cast<int8_t>(metadata::ConfigType::kPassword);
       ++number) {
    if (metadata::ConfigTypeName(static_cast<metadata::ConfigType>(number)) == name) return number;
  }
  return 0;
}

DescribeConfigsResponse::Config ToConfig(const admin::v1::ConfigEntry& entry,
                                         const DescribeConfigsRequest& request) {
  DescribeConfigsResponse::Config config;
  config.name = entry.key();
  config.value = entry.has_value() ? std::optional<std::string>(entry.value()) : std::nullopt;
  config.read_only = entry.read_only();
  config.config_source = static_cast<int8_t>(entry.source());
  config.is_sensitive = entry.sensitive();
  config.config_type = TypeNumber(entry.type());
  config.documentation.reset();
  if (request.include_documentation) config.documentation = entry.documentation();
  if (!request.include_synonyms) return config;
  for (const admin::v1::ConfigSynonym& from : entry.synonyms()) {
    config.synonyms.push_back(
        {.name = from.key(),
         .value = from.has_value() ? std::optional<std::string>(from.value()) : std::nullopt,
         .source = static_cast<int8_t>(from.source())});
  }
  return config;
}

DescribeConfigsResponse::ResourceResult Describe(const Call& call,
                                                 const DescribeConfigsRequest& request,
                                                 const DescribeConfigsRequest::Resource& resource) {
  admin::v1::ConfigSelector selector;
  selector.mutable_resource()->set_type(
      static_cast<metadata::v1::ConfigResourceType>(resource.resource_type));
  selector.mutable_resource()->set_name(resource.resource_name);
  if (resource.configuration_keys) {
    for (const std::string& key : *resource.configuration_keys) selector.add_keys(key);
  }
  const BrokerSettings& settings = call.broker().settings;
  const metadata::ConfigView view{call.image(), settings.node_id, &settings.static_configs};
  const admin::v1::DescribedConfigs described =
      metadata::DescribeConfigResource(view, settings.node_id, selector);
  DescribeConfigsResponse::ResourceResult result;
  result.resource_type = resource.resource_type;
  result.resource_name = resource.resource_name;
  result.error_code = ErrorCodeFromNumber(described.error().code());
  result.error_message.reset();
  if (described.error().code() != 0) result.error_message = described.error().message();
  // An empty list of keys asks for none, a null one for all.
  if (resource.configuration_keys && resource.configuration_keys->empty()) return result;
  for (const admin::v1::ConfigEntry& entry : described.entries()) {
    result.configs.push_back(ToConfig(entry, request));
  }
  return result;
}

void HandleDescribe(Call call, net::ConnectionInfo&, DescribeConfigsRequest request) {
  DescribeConfigsResponse response;
  for (const DescribeConfigsRequest::Resource& resource : request.resources) {
    response.results.push_back(Describe(call, request, resource));
  }
  call.Reply(response);
}

// ---- ListConfigResources --------------------------------------------------------------

bool Wants(const wire::ListConfigResourcesRequest& request, metadata::v1::ConfigResourceType type) {
  if (request.resource_types.empty()) return true;
  for (const int8_t wanted : request.resource_types) {
    if (wanted == static_cast<int8_t>(type)) return true;
  }
  return false;
}

void HandleList(Call call, net::ConnectionInfo&, wire::ListConfigResourcesRequest request) {
  wire::ListConfigResourcesResponse response;
  const auto add = [&](const std::string& name, metadata::v1::ConfigResourceType type) {
    response.config_resources.push_back(
        {.resource_name = name, .resource_type = static_cast<int8_t>(type)});
  };
  // Version 0 asks for client-metrics subscriptions, of which there are none.
  if (call.version() > 0) {
    if (Wants(request, metadata::v1::CONFIG_RESOURCE_TOPIC)) {
      for (const auto& [name, id] : call.image().topic_ids()) {
        add(name, metadata::v1::CONFIG_RESOURCE_TOPIC);
      }
    }
    for (const auto& [id, broker] : call.image().brokers()) {
      for (const auto type :
           {metadata::v1::CONFIG_RESOURCE_BROKER, metadata::v1::CONFIG_RESOURCE_BROKER_LOGGER}) {
        if (Wants(request, type)) add(ToString(id), type);
      }
    }
    if (Wants(request, metadata::v1::CONFIG_RESOURCE_GROUP)) {
      for (const auto& [resource, values] : call.image().configs()) {
        if (resource.type == metadata::v1::CONFIG_RESOURCE_GROUP) add(resource.name, resource.type);
      }
    }
  }
  call.Reply(response);
}

}  // namespace

void HandleDescribeConfigs(Call call, net::ConnectionInfo& connection) {
  DecodeThen<DescribeConfigsRequest, HandleDescribe>(std::move(call), connection);
}

void HandleListConfigResources(Call call, net::ConnectionInfo& connection) {
  DecodeThen<wire::ListConfigResourcesRequest, HandleList>(std::move(call), connection);
}

}  // namespace weir::handlers
