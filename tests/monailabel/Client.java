// Copyright 2026 The points-to-nuclei contributors
// SPDX-License-Identifier: Apache-2.0
// A request as Java's own HTTP client sends it, which QuPath's extension uses: a body of text, no Content-Type.
// java Client.java METHOD ADDRESS [BODY]: prints the status on one line, then the answer.

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Client {
    public static void main(String[] arguments) throws Exception {
        var body = arguments.length > 2
            ? HttpRequest.BodyPublishers.ofString(arguments[2])
            : HttpRequest.BodyPublishers.noBody();
        var request = HttpRequest.newBuilder(URI.create(arguments[1]))
            .version(HttpClient.Version.HTTP_1_1)
            .method(arguments[0], body)
            .build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode());
        System.out.print(answer.body());
    }
}
