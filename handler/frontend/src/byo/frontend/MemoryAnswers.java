package byo.frontend;

import com.amazonaws.ml.mms.util.JsonUtils;
import com.amazonaws.ml.mms.wlm.ModelManager;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.util.CharsetUtil;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Adds to the frontend's own answers what is known of memory.
 *
 * <p>The description of a model says what it takes; a LOAD that is refused with 507 says what it needs,
 * what is free, and what the loaded models take; an invocation whose worker the kernel has killed for
 * lack of memory is answered with 507 in place of 500.
 */
final class MemoryAnswers extends ChannelDuplexHandler {

    /** What the frontend says where a worker's connection has closed on an invocation. */
    private static final String DIED = "Worker died";

    private static final String NO_MEMORY =
            "there is not enough memory for this invocation: its process was ended by the kernel";

    /** What a request asks for, as far as memory is concerned. */
    private enum Kind {
        LOAD,
        DESCRIBE,
        INVOKE,
        OTHER
    }

    private static final class Asked {

        private final Kind kind;
        private final String model;
        private final String id; // a client's own; null where it gave none

        private Asked(Kind kind, String model, FullHttpRequest request) {
            this.kind = kind;
            this.model = model;
            id = request.headers().get(RequestLog.ID);
        }
    }

    /** What each request on this connection asks for that is not answered. */
    private final Deque<Asked> underWay = new ArrayDeque<>();

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof FullHttpRequest) {
            underWay.add(asked((FullHttpRequest) message));
        }
        context.fireChannelRead(message);
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        Object answer = message;
        if (message instanceof HttpResponse) {
            int status = ((HttpResponse) message).status().code();
            if (status >= HttpResponseStatus.OK.code() && !underWay.isEmpty()) {
                Asked asked = underWay.remove();
                if (message instanceof FullHttpResponse) {
                    answer = completed(asked, (FullHttpResponse) message);
                }
            }
        }
        context.write(answer, promise);
    }

    private static Asked asked(FullHttpRequest request) {
        Target target = request.decoderResult().isSuccess() ? Target.of(request) : null;
        if (target == null) {
            return new Asked(Kind.OTHER, null, request);
        }
        if (target.isInvocation()) {
            return new Asked(Kind.INVOKE, target.invokedModel(), request);
        }
        String managed = target.managedModel();
        if (managed != null && HttpMethod.GET.equals(request.method())) {
            return new Asked(Kind.DESCRIBE, managed, request);
        }
        if (target.isManagement() && managed == null && HttpMethod.POST.equals(request.method())) {
            return new Asked(Kind.LOAD, LoadWatch.nameIn(request, target), request);
        }
        return new Asked(Kind.OTHER, null, request);
    }

    private static FullHttpResponse completed(Asked asked, FullHttpResponse answer) {
        HttpResponseStatus status = answer.status();
        if (asked.kind == Kind.DESCRIBE && HttpResponseStatus.OK.equals(status)) {
            return described(asked.model, answer);
        }
        if (asked.kind == Kind.LOAD && HttpResponseStatus.INSUFFICIENT_STORAGE.equals(status)) {
            return refused(asked.model, answer);
        }
        if (asked.kind == Kind.INVOKE
                && HttpResponseStatus.INTERNAL_SERVER_ERROR.equals(status)
                && textOf(answer).contains(DIED)
                && MemoryKills.areRecent()) {
            return outOfMemory(asked, answer);
        }
        return answer;
    }

    private static FullHttpResponse described(String model, FullHttpResponse answer) {
        JsonObject note = ModelNotes.loaded(model);
        JsonElement document = documentOf(answer);
        if (note == null || document == null || !document.isJsonObject()) {
            return answer;
        }
        long memory = note.get("memory").getAsLong();
        JsonObject described = document.getAsJsonObject();
        described.addProperty("memoryBytes", memory);
        described.addProperty("memoryPeakBytes", Math.max(memory, note.get("peak").getAsLong()));
        return with(answer, answer.status(), JsonUtils.GSON_PRETTY.toJson(document));
    }

    private static FullHttpResponse refused(String model, FullHttpResponse answer) {
        JsonElement said = documentOf(answer);
        JsonObject document =
                said != null && said.isJsonObject() ? said.getAsJsonObject() : new JsonObject();
        JsonObject note = model == null ? null : ModelNotes.refused(model);
        if (note != null) {
            for (String name : new String[] {"needed", "free", "limit"}) {
                document.add(name, note.get(name));
            }
            if (note.has("reason")) {
                document.add("message", note.get("reason"));
            }
        }
        document.add("loaded", loadedBut(model));
        return with(answer, answer.status(), JsonUtils.GSON_PRETTY.toJson(document));
    }

    /** The models that are loaded, and what each takes. */
    private static JsonArray loadedBut(String refused) {
        JsonArray found = new JsonArray();
        for (String model : ModelManager.getInstance().getModels().keySet()) {
            JsonObject note = model.equals(refused) ? null : ModelNotes.loaded(model);
            if (note != null) {
                JsonObject one = new JsonObject();
                one.addProperty("modelName", model);
                one.add("memoryBytes", note.get("memory"));
                found.add(one);
            }
        }
        return found;
    }

    private static FullHttpResponse outOfMemory(Asked asked, FullHttpResponse answer) {
        HttpResponseStatus status = HttpResponseStatus.INSUFFICIENT_STORAGE;
        JsonObject document = new JsonObject();
        document.addProperty("type", "about:blank");
        document.addProperty("title", status.reasonPhrase());
        document.addProperty("status", status.code());
        document.addProperty("detail", NO_MEMORY);
        document.addProperty(
                "request_id", asked.id != null ? asked.id : answer.headers().get(RequestLog.ID));
        FullHttpResponse made = with(answer, status, document.toString());
        made.headers().set(RequestLog.CAUSE, "the kernel has killed a process of "
                + (asked.model == null ? "the model" : "model " + asked.model)
                + " for lack of memory");
        made.headers().set(HttpHeaderNames.CONTENT_TYPE, "application/problem+json");
        return made;
    }

    /** The same answer with another text; what it was is not needed any more. */
    private static FullHttpResponse with(
            FullHttpResponse answer, HttpResponseStatus status, String text) {
        FullHttpResponse made =
                new DefaultFullHttpResponse(
                        answer.protocolVersion(),
                        status,
                        Unpooled.copiedBuffer(text, CharsetUtil.UTF_8));
        made.headers().set(answer.headers());
        HttpUtil.setContentLength(made, made.content().readableBytes());
        answer.release();
        return made;
    }

    private static JsonElement documentOf(FullHttpResponse answer) {
        try {
            return JsonUtils.GSON.fromJson(textOf(answer), JsonElement.class);
        } catch (JsonParseException error) {
            return null;
        }
    }

    private static String textOf(FullHttpResponse answer) {
        return answer.content().toString(CharsetUtil.UTF_8);
    }
}
