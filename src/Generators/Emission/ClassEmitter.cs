namespace Lorq.Generators.Emission;

/// <summary>Writes the class of a model: loading, calls and disposal.</summary>
internal sealed class ClassEmitter(Wrapper w, ProjectFacts project, TypeNames names, CodeWriter code)
{
    private const int MaxViews = 4; // of LorqSession.Run
    private readonly IReadOnlyList<Port> inputs = Port.Inputs(w);
    private readonly IReadOnlyList<Port> outputs = Port.Outputs(w);
    private readonly string options = HasAdapters(w) ? $"new {names["LorqRunOptions"]} {{ Adapters = input.Adapters }}" : "null";

    /// <summary>Whether calls name adapters: those replace optional inputs.</summary>
    public static bool HasAdapters(Wrapper w) => w.Signature.OptionalInputs.Count + w.Signature.Adapters.Count > 0;

    /// <summary>Whether there is a call over spans: more than four of them need a <c>ref struct</c> that implements an interface.</summary>
    public static bool HasSpans(Wrapper w, ProjectFacts project) =>
        w.Signature.Inputs.Count + w.Signature.OptionalInputs.Count <= MaxViews || project.HasRefStructInterfaces;

    public void Write()
    {
        Head();
        Loading();
        Calls();
        if (outputs.Any(o => !o.IsOpaque && !o.IsString))
        {
            BufferCalls();
        }
        if (HasSpans(w, project))
        {
            SpanCall();
        }
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

    private void Loading()
    {
        string session = names["LorqSession"];
        string settings = $"{names["LorqSessionOptions"]}? options = null";
        code.Line("/// <summary>Where the model lies, relative to the app's folder.</summary>")
            .Line($"public const string ModelFile = {Texts.Literal(w.ModelFile)};")
            .Line()
            .Line($"private {w.Name}({session} session) => Session = session;")
            .Line()
            .Line("/// <summary>The session below, for what is not offered here.</summary>")
            .Line($"public {session} Session {{ get; }}")
            .Line()
            .Line("/// <summary>Loads the model from <see cref=\"ModelFile\"/> in the app's folder.</summary>");
        LoadDocs();
        code.Line(
                $"public static {w.Name} Load({settings}) => Load({names["Path"]}.Combine({names["AppContext"]}.BaseDirectory, ModelFile), options);"
            )
            .Line()
            .Line("/// <summary>Loads the model from elsewhere.</summary>")
            .Line("/// <param name=\"path\">The file.</param>");
        LoadDocs();
        code.Line($"public static {w.Name} Load(string path, {settings}) => new {w.Name}({session}.Load(path, options));")
            .Line()
            .Line("/// <summary>Loads the model from a stream, which is read to its end and stays open.</summary>")
            .Line("/// <param name=\"model\">The content of the file.</param>");
        LoadDocs(false);
        code.Line($"public static {w.Name} Load({names["Stream"]} model, {settings}) => new {w.Name}({session}.Load(model, options));");

        if (w.Signature.Adapters.Count > 0)
        {
            IReadOnlyList<string> constants = Naming.Identifiers.Properties(w.Signature.Adapters, "Adapter", "Adapters");
            code.Line()
                .Line("/// <summary>Names of the adapters that were made for this model.</summary>")
                .Open("public static class Adapters");
            foreach ((string constant, string name) in constants.Zip(w.Signature.Adapters, (c, n) => (c, n)))
            {
                code.Line($"/// <summary><c>{Texts.Xml(name)}</c>.</summary>")
                    .Line($"public const string {constant} = {Texts.Literal(name)};");
            }
            code.Close();
        }
    }

    private void LoadDocs(bool file = true)
    {
        code.Line("/// <param name=\"options\">How; null: on the CPU.</param>");
        if (file)
        {
            code.Line($"/// <exception cref=\"{names["FileNotFoundException"]}\">There is no such file.</exception>");
        }
        code.Line($"/// <exception cref=\"{names["ManifestException"]}\">The model is not what its manifest says.</exception>")
            .Line($"/// <exception cref=\"{names["OnnxRuntimeException"]}\">ONNX Runtime refuses the model.</exception>");
    }

    private void Calls()
    {
        string token = names["CancellationToken"];
        bool owns = outputs.Any(o => o.IsOpaque);
        string held = $"{(owns ? "" : "using ")}{names["LorqOutputs"]} outputs = ";

        code.Line().Line("/// <summary>Runs the model.</summary>").Line("/// <param name=\"input\">What it takes.</param>");
        CallDocs("The outputs.");
        code.Open($"public {w.Output} Run({w.Input} input, {token} cancellationToken = default)")
            .Line($"{held}Session.Run(Inputs(input), {options}, cancellationToken);")
            .Line("return Outputs(outputs);")
            .Close();

        code.Line()
            .Line("/// <summary>Runs the model on a thread of the pool.</summary>")
            .Line("/// <param name=\"input\">What it takes; the tensors must not change until the task has ended.</param>");
        CallDocs("The outputs. The task ends as <see cref=\"Run\"/> does.");
        code.Open($"public async {names["Task"]}<{w.Output}> RunAsync({w.Input} input, {token} cancellationToken = default)")
            .Line($"{held}await Session.RunAsync(Inputs(input), {options}, cancellationToken).ConfigureAwait(false);")
            .Line("return Outputs(outputs);")
            .Close();
    }

    private void BufferCalls()
    {
        string token = names["CancellationToken"];
        code.Line()
            .Line("/// <summary>Runs the model and writes outputs into memory of yours.</summary>")
            .Line("/// <param name=\"input\">What it takes.</param>")
            .Line("/// <param name=\"buffers\">Where the outputs go, at least one.</param>");
        CallDocs(null);
        code.Line($"public void RunInto({w.Input} input, {w.Buffers} buffers, {token} cancellationToken = default) =>")
            .Line($"    Session.RunInto(Inputs(input), Buffers(buffers), {options}, cancellationToken);");

        code.Line()
            .Line("/// <summary>Runs the model on a thread of the pool and writes outputs into memory of yours.</summary>")
            .Line("/// <param name=\"input\">What it takes; the tensors must not change until the task has ended.</param>")
            .Line("/// <param name=\"buffers\">Where the outputs go, at least one; not to be used until the task has ended.</param>");
        CallDocs("A task that ends as <see cref=\"RunInto\"/> does.");
        code.Line($"public {names["Task"]} RunIntoAsync({w.Input} input, {w.Buffers} buffers, {token} cancellationToken = default) =>")
            .Line($"    Session.RunIntoAsync(Inputs(input), Buffers(buffers), {options}, cancellationToken);");
    }

    private void SpanCall()
    {
        code.Line().Line("/// <summary>Runs the model over spans: nothing but strings is copied, neither in nor out.</summary>");
        foreach (Port port in inputs)
        {
            code.Line(
                $"/// <param name=\"{port.Parameter.TrimStart('@')}\">{Texts.Doc(port.Tensor)}.{(port.IsOptional ? " Empty: the value that the model has." : "")}</param>"
            );
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
        code.Line($"    {names["CancellationToken"]} cancellationToken = default)").Line("{");
        code.Indent();
        if (inputs.Count is > 0 and <= MaxViews)
        {
            code.Line($"return new {w.Spans}(Session.Run(");
            foreach (Port port in inputs)
            {
                code.Line($"    {View(port)},");
            }
            code.Line("    cancellationToken: cancellationToken));");
        }
        else if (inputs.Count == 0)
        {
            code.Line($"return new {w.Spans}(Session.Run(new {names["InputTensor"]}[0], null, cancellationToken));");
        }
        else
        {
            code.Open("var views = new Views");
            foreach (Port port in inputs)
            {
                code.Line($"{port.Parameter} = {View(port)},");
            }
            code.Close("};").Line($"return new {w.Spans}(Session.RunViews(ref views, null, cancellationToken));");
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

    private void CallDocs(string? returns)
    {
        code.Line("/// <param name=\"cancellationToken\">Stops the call between two nodes of the model.</param>");
        if (returns is not null)
        {
            code.Line($"/// <returns>{returns}</returns>");
        }
        code.Line(
                $"/// <exception cref=\"{names["InvalidTensorException"]}\">A tensor is missing or does not fit the model: nothing ran.</exception>"
            )
            .Line($"/// <exception cref=\"{names["OperationCanceledException"]}\">The token was cancelled.</exception>")
            .Line($"/// <exception cref=\"{names["ObjectDisposedException"]}\">The model is disposed.</exception>")
            .Line($"/// <exception cref=\"{names["OnnxRuntimeException"]}\">A node of the model failed.</exception>");
    }

    private void Helpers()
    {
        Lister("Inputs", w.Input, "input", "InputTensor", inputs);
        if (outputs.Any(o => !o.IsOpaque && !o.IsString))
        {
            Lister("Buffers", w.Buffers, "buffers", "OutputTensor", [.. outputs.Where(o => !o.IsOpaque && !o.IsString)]);
        }
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
