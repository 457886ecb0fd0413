import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.trace.Span;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.Executors;

/**
 * The checkout of the street, a plain Java server under OpenTelemetry's agent. An exception of a handler is recorded and becomes a 500,
 * as in most frameworks.
 *
 *     Checkout PORT ACCOUNTS-ADDRESS DATABASE-ADDRESS STOPPED-DATABASE-ADDRESS
 */
public class Checkout {
	private static final int PATIENCE_MS = 5000;

	private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
	private final String accounts;
	private final String database;
	private final String stoppedDatabase;

	Checkout(String accounts, String database, String stoppedDatabase) {
		this.accounts = accounts;
		this.database = database;
		this.stoppedDatabase = stoppedDatabase;
	}

	private String ask(String path, int patienceMs) throws Exception {
		HttpRequest request = HttpRequest.newBuilder(URI.create("http://" + accounts + path)).timeout(Duration.ofMillis(patienceMs))
				.POST(HttpRequest.BodyPublishers.noBody()).build();
		HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
		if (response.statusCode() >= 400) {
			throw new IllegalStateException("accounts answered " + response.statusCode() + " to " + path);
		}
		return response.body();
	}

	private String query(String address, String sql) throws Exception {
		try (Connection connection = DriverManager.getConnection("jdbc:postgresql://" + address + "/shop", "postgres", "none");
				Statement statement = connection.createStatement()) {
			statement.execute(sql);
			return "";
		}
	}

	/** Asks twice where the first answer is a refusal; then a bug of its own. */
	private String retry(String bad) throws Exception {
		String answer;
		try {
			answer = ask("/flaky" + bad, PATIENCE_MS);
		} catch (IllegalStateException refusal) {
			answer = ask("/flaky" + bad, PATIENCE_MS);
		}
		return bad.isEmpty() ? answer : answer.substring(400);
	}

	/** Releases what was reserved when the charge fails. The release fails as well. */
	private String compensate(String bad) throws Exception {
		try {
			return ask("/charge" + bad, PATIENCE_MS);
		} catch (IllegalStateException refusal) {
			try {
				ask("/release", PATIENCE_MS);
			} catch (IllegalStateException again) {
				refusal.addSuppressed(again);
			}
			throw refusal;
		}
	}

	private String place(String path, String bad) throws Exception {
		boolean good = bad.isEmpty();
		switch (path) {
		case "/db-stopped":
			return query(good ? database : stoppedDatabase, "SELECT 1");
		case "/jdbc-query":
			return query(database, good ? "SELECT name FROM members" : "SELECT nick FROM members");
		case "/deadline":
			return ask("/score", good ? PATIENCE_MS : 25);
		case "/retry":
			return retry(bad);
		case "/compensation":
			return compensate(bad);
		case "/optional":
			return "7".substring(good ? 0 : 400);
		case "/sum":
			return String.valueOf(7 / (good ? 1 : 0));
		default:
			return ask(path + bad, PATIENCE_MS);
		}
	}

	private void answer(HttpExchange exchange) throws IOException {
		String query = exchange.getRequestURI().getQuery();
		int status = 200;
		byte[] body;
		try {
			body = place(exchange.getRequestURI().getPath(), query == null ? "" : "?" + query).getBytes();
		} catch (Exception exception) {
			Span.current().recordException(exception);
			status = 500;
			body = exception.toString().getBytes();
		}
		exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
		try (OutputStream out = exchange.getResponseBody()) {
			out.write(body);
		}
	}

	public static void main(String[] arguments) throws Exception {
		Checkout checkout = new Checkout(arguments[1], arguments[2], arguments[3]);
		HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 50);
		server.createContext("/", checkout::answer);
		server.setExecutor(Executors.newFixedThreadPool(8));
		server.start();
	}
}
