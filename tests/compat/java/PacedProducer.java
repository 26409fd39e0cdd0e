// The Java client as a writer under faults: idempotent, acks=all, a record to one partition after the other at a fixed
// rate until standard input ends. Prints one line per record once its outcome is known:
//   VALUE PARTITION OFFSET START END     OFFSET is -1 where it failed; times are nanoseconds of the monotonic clock
// Arguments: bootstrap, topic, partitions, records per second, prefix of the values.

import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class PacedProducer {
  static synchronized void report(String value, int partition, long offset, long start) {
    System.out.println(value + " " + partition + " " + offset + " " + start + " " + System.nanoTime());
    System.out.flush();
  }

  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", arguments[0]);
    properties.put("acks", "all");
    properties.put("enable.idempotence", "true");
    properties.put("linger.ms", "2");
    properties.put("reconnect.backoff.ms", "10");
    properties.put("reconnect.backoff.max.ms", "100");
    properties.put("retry.backoff.ms", "20");
    properties.put("retry.backoff.max.ms", "100");
    properties.put("request.timeout.ms", "5000");
    properties.put("delivery.timeout.ms", "90000");
    properties.put("key.serializer", ByteArraySerializer.class.getName());
    properties.put("value.serializer", ByteArraySerializer.class.getName());
    String topic = arguments[1];
    int partitions = Integer.parseInt(arguments[2]);
    long interval = 1_000_000_000L / Integer.parseInt(arguments[3]);
    long begin = System.nanoTime();
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties)) {
      for (long count = 0; System.in.available() == 0; count++) {
        String value = arguments[4] + count;
        int partition = (int) (count % partitions);
        long start = System.nanoTime();
        producer.send(
            new ProducerRecord<>(topic, partition, null, value.getBytes(StandardCharsets.UTF_8)),
            (metadata, error) -> report(value, partition, error == null ? metadata.offset() : -1, start));
        LockSupport.parkNanos(begin + (count + 1) * interval - System.nanoTime());
      }
    }
  }
}
