// A Spring Boot application as they are written every day: topics as beans, a KafkaTemplate, @KafkaListener with three
// consumers and one for the dead letters of those that fail. Arguments: orders to send, and Spring's own.
// Prints `ORDER key value partition offset` for what the listener took, `DEAD key` for dead letters, `SENT n` at the end
// of sending. SIGTERM ends it.

package orders;

import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.config.TopicBuilder;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.util.backoff.FixedBackOff;

@SpringBootApplication
public class Orders {
  static final String TOPIC = "spring-orders";
  static final int PARTITIONS = 6;

  static synchronized void print(String line) {
    System.out.println(line);
    System.out.flush();
  }

  @Bean
  NewTopic ordersTopic() {
    return TopicBuilder.name(TOPIC).partitions(PARTITIONS).build();
  }

  @Bean
  NewTopic deadLettersTopic() {
    return TopicBuilder.name(TOPIC + "-dlt").partitions(PARTITIONS).build();
  }

  @Bean
  DefaultErrorHandler retryThenDeadLetter(KafkaTemplate<String, String> template) {
    return new DefaultErrorHandler(new DeadLetterPublishingRecoverer(template), new FixedBackOff(50, 2));
  }

  @KafkaListener(topics = TOPIC, groupId = "spring-orders", concurrency = "3")
  void take(ConsumerRecord<String, String> order) {
    if (order.value().startsWith("bad")) {
      throw new IllegalArgumentException(order.key());
    }
    print("ORDER " + order.key() + " " + order.value() + " " + order.partition() + " " + order.offset());
  }

  @KafkaListener(topics = TOPIC + "-dlt", groupId = "spring-dead-letters")
  void bury(ConsumerRecord<String, String> order) {
    print("DEAD " + order.key());
  }

  @Bean
  ApplicationRunner send(KafkaTemplate<String, String> template) {
    return arguments -> {
      int count = Integer.parseInt(arguments.getNonOptionArgs().get(0));
      CompletableFuture.allOf(IntStream.range(0, count)
          .mapToObj(n -> template.send(TOPIC, "key-" + n, (n % 50 == 7 ? "bad-" : "good-") + n))
          .toArray(CompletableFuture[]::new)).get();
      print("SENT " + count);
    };
  }

  public static void main(String[] arguments) {
    SpringApplication.run(Orders.class, arguments);
  }
}
