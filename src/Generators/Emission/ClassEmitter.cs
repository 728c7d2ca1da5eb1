namespace Lorq.Generators.Emission;

/// <summary>Writes the class of a model: loading, calls and disposal.</summary>
internal sealed class ClassEmitter(Wrapper w, ProjectFacts project, TypeNames names, CodeWriter code)
{
    private const int MaxViews = 4; // of LorqSession.Run
    private readonly IReadOnlyList<Port> inputs = Port.Inputs(w);
    private readonly IReadOnlyList<Port> outputs = Port.Outputs(w);
    private readonly LoadEmitter loading = new(w, names, code);
    private readonly BatchEmitter batches = new(w, names, code);

    /// <summary>A line of documentation: the exceptions of every call.</summary>
    public const string Exceptions = "/// <inheritdoc cref=\"Run\" path=\"/exception\"/>";

    /// <summary>Whether calls name adapters: those replace optional inputs.</summary>
    public static bool HasAdapters(Wrapper w) => w.Signature.OptionalInputs.Count + w.Adapters.Count > 0;

    /// <summary>The adapters that an input names as a further argument of a call; empty for models without any.</summary>
    public static string AdapterArgument(Wrapper w, TypeNames names) =>
        HasAdapters(w) ? $", new {names["LorqRunOptions"]} {{ Adapters = input.Adapters }}" : "";

    /// <summary>The last arguments of a call: adapters and token.</summary>
    private string Last =>
        AdapterArgument(w, names) is { Length: > 0 } adapters ? adapters + ", cancellationToken" : ", cancellationToken: cancellationToken";

    /// <summary>Whether there is a call over spans: more than four of them need a <c>ref struct</c> that implements an interface.</summary>
    public static bool HasSpans(Wrapper w, ProjectFacts project) =>
        w.Signature.Inputs.Count + w.Signature.OptionalInputs.Count <= MaxViews || project.HasRefStructInterfaces;

    public void Write()
    {
        Head();
        loading.Write();
        Calls();
        if (outputs.Any(o => !o.IsOpaque && !o.IsString))
        {
            BufferCalls();
        }
        if (HasSpans(w, project))
        {
            SpanCall();
        }
        batches.Call();
        code.Line()
            .Line("/// <summary>Closes the model. Calls that run end normally; later calls throw.</summary>")
            .Line("public void Dispose() => Session.Dispose();");
        Helpers();
        code.Close();
    }

    private void Head()
    {
        string facts = Texts.Facts(w.Signature.Facts);
        code.Line()
            .Line($"/// <summary>The model <c>{Texts.Xml(w.ModelFile)}</c>{(facts.Length > 0 ? ": " + facts : ".")}</summary>")
            .Line("/// <remarks>")
            .Lines(Page.List("Inputs", w.Signature.Inputs))
            .Lines(w.Signature.OptionalInputs.Count > 0 ? Page.List("Optional inputs", w.Signature.OptionalInputs) : [])
            .Lines(Page.List("Outputs", w.Signature.Outputs))
            .Line(
                "/// <para>Dimensions of one name are equal in all inputs of a call. All members may be used from several threads at a time.</para>"
            )
            .Line("/// </remarks>")
            .Line(Page.Generated(names))
            .Open($"{w.Visibility} sealed partial class {w.Name} : {names["IDisposable"]}");
    }

    private void Calls()
    {
        string token = names["CancellationToken"];
        bool owns = outputs.Any(o => o.IsOpaque);
        string held = $"{(owns ? "" : "using ")}{names["LorqOutputs"]} outputs = ";

        code.Line().Line("/// <summary>Runs the model.</summary>").Line("/// <param name=\"input\">The inputs.</param>");
        CallDocs("The outputs.", full: true);
        code.Open($"public {w.Output} Run({w.Input} input, {token} cancellationToken = default)")
            .Line($"{held}Session.Run(Inputs(input){Last});")
            .Line("return Outputs(outputs);")
            .Close();

        code.Line()
            .Line("/// <summary>Runs the model on a thread of the pool.</summary>")
            .Line("/// <param name=\"input\">The inputs; their tensors must not change until the task has ended.</param>");
        CallDocs("The outputs. The task ends as <see cref=\"Run\"/> does.");
        code.Open($"public async {names["Task"]}<{w.Output}> RunAsync({w.Input} input, {token} cancellationToken = default)")
            .Line($"{held}await Session.RunAsync(Inputs(input){Last}).ConfigureAwait(false);")
            .Line("return Outputs(outputs);")
            .Close();
    }

    private void BufferCalls()
    {
        string token = names["CancellationToken"];
        code.Line()
            .Line("/// <summary>Runs the model and writes outputs into memory of yours.</summary>")
            .Line("/// <param name=\"input\">The inputs.</param>")
            .Line("/// <param name=\"buffers\">Where the outputs go, at least one.</param>");
        CallDocs(null);
        code.Line($"/// <exception cref=\"{names["ArgumentException"]}\">No output is given a buffer.</exception>");
        code.Line($"public void RunInto({w.Input} input, {w.Buffers} buffers, {token} cancellationToken = default) =>")
            .Line($"    Session.RunInto(Inputs(input), Buffers(buffers){Last});");

        code.Line()
            .Line("/// <summary>Runs the model on a thread of the pool and writes outputs into memory of yours.</summary>")
            .Line("/// <param name=\"input\">The inputs; their tensors must not change until the task has ended.</param>")
            .Line("/// <param name=\"buffers\">Where the outputs go, at least one; not to be used until the task has ended.</param>");
        CallDocs("A task that ends as <see cref=\"RunInto\"/> does.");
        code.Line($"public {names["Task"]} RunIntoAsync({w.Input} input, {w.Buffers} buffers, {token} cancellationToken = default) =>")
            .Line($"    Session.RunIntoAsync(Inputs(input), Buffers(buffers){Last});");
    }

    private void SpanCall()
    {
        code.Line().Line("/// <summary>Runs the model over spans: nothing but strings is copied, neither in nor out.</summary>");
        foreach (Port port in inputs)
        {
            code.Line(
                $"/// <param name=\"{port.Parameter.TrimStart('@')}\">{Texts.Doc(port.Tensor)}.{(port.IsOptional ? " Empty: left out." : "")}</param>"
            );
        }
        if (HasAdapters(w))
        {
            code.Line("/// <param name=\"adapters\">Names of the adapters to apply; null: none.</param>");
        }
        CallDocs("The outputs, to be disposed.");
        code.Line($"public {w.Spans} RunSpans(");
        foreach (Port port in inputs)
        {
            string type = port.IsOpaque ? names["OrtValue"] : $"in {names["ReadOnlyTensorSpan"]}<{port.Element(names)}>";
            code.Line(
                $"    {type}{(port.IsOptional && port.IsOpaque ? "?" : "")} {port.Parameter}{(port.IsOptional ? " = default" : "")},"
            );
        }
        string options = "null";
        if (HasAdapters(w))
        {
            code.Line($"    {names["IReadOnlyList"]}<string>? adapters = null,");
            options = $"adapters is null ? null : new {names["LorqRunOptions"]} {{ Adapters = adapters }}";
        }
        code.Line($"    {names["CancellationToken"]} cancellationToken = default)").Line("{");
        code.Indent();
        if (inputs.Count is > 0 and <= MaxViews)
        {
            code.Line($"return new {w.Spans}(Session.Run(");
            foreach (Port port in inputs)
            {
                code.Line($"    {View(port)},");
            }
            if (HasAdapters(w))
            {
                code.Line($"    options: {options},");
            }
            code.Line("    cancellationToken: cancellationToken));");
        }
        else if (inputs.Count == 0)
        {
            code.Line($"return new {w.Spans}(Session.Run(new {names["InputTensor"]}[0], {options}, cancellationToken));");
        }
        else
        {
            code.Open("var views = new Views");
            foreach (Port port in inputs)
            {
                code.Line($"{port.Parameter} = {View(port)},");
            }
            code.Close("};").Line($"return new {w.Spans}(Session.RunViews(ref views, {options}, cancellationToken));");
        }
        code.Close();
    }

    private string View(Port port)
    {
        string view = $"{names["TensorView"]}.Of({port.Literal}, {(port.IsOpaque ? "" : "in ")}{port.Parameter})";
        return !port.IsOptional ? view
            : port.IsOpaque ? $"{port.Parameter} is null ? default : {view}"
            : $"{port.Parameter}.IsEmpty ? default : {view}";
    }

    private void CallDocs(string? returns, bool full = false)
    {
        code.Line("/// <param name=\"cancellationToken\">Stops the call between two nodes of the model.</param>");
        if (returns is not null)
        {
            code.Line($"/// <returns>{returns}</returns>");
        }
        if (!full)
        {
            code.Line(Exceptions);
            return;
        }
        code.Line(
                $"/// <exception cref=\"{names["InvalidTensorException"]}\">A tensor is missing or does not fit the model: nothing ran.</exception>"
            )
            .Line(
                $"/// <exception cref=\"{names["ArgumentException"]}\">An argument is null{(HasAdapters(w) ? ", or an adapter is not loaded" : "")}.</exception>"
            )
            .Line($"/// <exception cref=\"{names["OperationCanceledException"]}\">The token was cancelled.</exception>")
            .Line($"/// <exception cref=\"{names["ObjectDisposedException"]}\">The model is disposed.</exception>")
            .Line($"/// <exception cref=\"{names["OnnxRuntimeException"]}\">A node of the model failed.</exception>");
    }

    private void Helpers()
    {
        loading.Helper();
        Lister("Inputs", w.Input, "input", "InputTensor", inputs);
        if (outputs.Any(o => !o.IsOpaque && !o.IsString))
        {
            Lister("Buffers", w.Buffers, "buffers", "OutputTensor", [.. outputs.Where(o => !o.IsOpaque && !o.IsString)]);
        }
        batches.Helper();
        code.Line().Open($"private static {w.Output} Outputs({names["LorqOutputs"]} outputs) => new {w.Output}");
        foreach (Port port in outputs)
        {
            string get =
                port.IsOpaque ? "Value"
                : port.IsString ? "ToStringTensor()"
                : $"ToTensor<{port.Element(names)}>()";
            code.Line($"{port.Property} = outputs[{port.Literal}].{get},");
        }
        if (outputs.Any(o => o.IsOpaque))
        {
            code.Line("Owner = outputs,");
        }
        code.Close("};");

        if (inputs.Count > MaxViews && project.HasRefStructInterfaces)
        {
            code.Line().Open($"private ref struct Views : {names["ITensorViews"]}");
            foreach (Port port in inputs)
            {
                code.Line($"public {names["TensorView"]} {port.Parameter};");
            }
            code.Line().Line($"public readonly int Count => {inputs.Count};").Line();
            code.Open($"public readonly {names["TensorView"]} this[int index] => index switch");
            for (int i = 0; i < inputs.Count; i++)
            {
                code.Line($"{(i < inputs.Count - 1 ? $"{i}" : "_")} => {inputs[i].Parameter},");
            }
            code.Close("};").Close();
        }
    }

    private void Lister(string method, string type, string parameter, string item, IReadOnlyList<Port> ports)
    {
        string list = $"{names["List"]}<{names[item]}>";
        code.Line()
            .Open($"private static {list} {method}({type} {parameter})")
            .Open($"if ({parameter} is null)")
            .Line($"throw new {names["ArgumentNullException"]}(nameof({parameter}));")
            .Close()
            .Line($"var list = new {list}({ports.Count});");
        foreach (Port port in ports)
        {
            string value = $"{parameter}.{port.Property}";
            code.Open($"if ({value} is not null)").Line($"list.Add({names[item]}.Of({port.Literal}, {value}));").Close();
        }
        code.Line("return list;").Close();
    }
}
