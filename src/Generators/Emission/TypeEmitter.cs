namespace Lorq.Generators.Emission;

/// <summary>Writes the types for inputs, outputs, buffers and spans.</summary>
internal sealed class TypeEmitter(Wrapper w, ProjectFacts project, TypeNames names, CodeWriter code)
{
    private readonly IReadOnlyList<Port> inputs = Port.Inputs(w);
    private readonly IReadOnlyList<Port> outputs = Port.Outputs(w);

    public void Write()
    {
        Input();
        Output();
        if (outputs.Any(o => !o.IsOpaque && !o.IsString))
        {
            Buffers();
        }
        if (ClassEmitter.HasSpans(w, project))
        {
            Spans();
        }
        new BatchEmitter(w, names, code).Type();
    }

    private void Input()
    {
        Begin(
            $"What <see cref=\"{w.Name}\"/> takes. Tensors are read in place: they are dense and do not change during a call.",
            w.Input,
            "record"
        );
        Separated(
            inputs,
            port =>
            {
                string also = port.IsOptional ? " Null: left out." : "";
                Property(port, $"{Texts.Doc(port.Tensor)}.{also}", !port.IsOptional);
            }
        );
        if (ClassEmitter.HasAdapters(w))
        {
            code.Line()
                .Line(
                    $"/// <summary>Names of the adapters to apply, each loaded before by {(w.Adapters.Count > 0 ? $"<see cref=\"{w.Name}.LoadAdapter\"/> or " : "")}<see cref=\"{names["LorqSession"]}.LoadAdapter(string, string)\"/>.</summary>"
                )
                .Line($"public {names["IReadOnlyList"]}<string> Adapters {{ get; init; }} = new string[0];");
        }
        new CacheEmitter(w, names, code).Start();
        code.Close();
    }

    private void Output()
    {
        bool owns = outputs.Any(o => o.IsOpaque);
        string summary =
            $"What <see cref=\"{w.Name}\"/> gives" + (owns ? ", to be disposed: values of ONNX Runtime live as long as this." : ".");
        Begin(summary, w.Output, "record", owns ? names["IDisposable"] : null);
        Separated(outputs, port => Property(port, $"{Texts.Doc(port.Tensor)}.", true));
        if (owns)
        {
            code.Line()
                .Line($"internal {names["LorqOutputs"]}? Owner {{ get; init; }}")
                .Line()
                .Line("/// <summary>Frees the values of ONNX Runtime.</summary>")
                .Line("public void Dispose() => Owner?.Dispose();");
        }
        new CacheEmitter(w, names, code).Next();
        code.Close();
    }

    private void Buffers()
    {
        Begin(
            $"Memory for outputs of <see cref=\"{w.Name}\"/>: dense tensors of the shapes that the outputs will have, written in place. An output without one is not computed.",
            w.Buffers,
            "record"
        );
        Separated([.. outputs.Where(o => !o.IsOpaque && !o.IsString)], port => Property(port, $"{Texts.Doc(port.Tensor)}.", false));
        code.Close();
    }

    private void Spans()
    {
        Begin(
            $"What <see cref=\"{w.Name}\"/> gives, in the memory of ONNX Runtime, which is valid until this is disposed.",
            w.Spans,
            "class",
            names["IDisposable"]
        );
        string owner = names["LorqOutputs"];
        code.Line($"private readonly {owner} _outputs;").Line().Line($"internal {w.Spans}({owner} outputs) => _outputs = outputs;");
        foreach (Port port in outputs)
        {
            string output = $"_outputs[{port.Literal}]";
            string type =
                port.IsOpaque ? names["OrtValue"]
                : port.IsString ? $"{names["Tensor"]}<string>"
                : $"{names["ReadOnlyTensorSpan"]}<{port.Element(names)}>";
            string value =
                port.IsOpaque ? $"{output}.Value"
                : port.IsString ? $"{output}.ToStringTensor()"
                : $"{output}.AsTensorSpan<{port.Element(names)}>()";
            code.Line()
                .Line($"/// <summary>{Texts.Doc(port.Tensor)}.</summary>")
                .Line($"/// <exception cref=\"{names["ObjectDisposedException"]}\">This is disposed.</exception>")
                .Line($"public {type} {port.Property} => {value};");
        }
        code.Line()
            .Line("/// <summary>Frees the outputs: spans over them must not be used any more.</summary>")
            .Line("public void Dispose() => _outputs.Dispose();")
            .Close();
    }

    private void Begin(string summary, string name, string kind, string? parent = null) =>
        code.Line()
            .Line($"/// <summary>{summary}</summary>")
            .Line(Page.Generated(names))
            .Open($"{w.Visibility} sealed {kind} {name}{(parent is null ? "" : " : " + parent)}");

    private void Property(Port port, string summary, bool required)
    {
        string type = port.Type(names) + (required ? "" : "?");
        code.Line($"/// <summary>{summary}</summary>");
        code.Line(
            !required ? $"public {type} {port.Property} {{ get; init; }}"
            : project.HasRequired ? $"public required {type} {port.Property} {{ get; init; }}"
            : $"public {type} {port.Property} {{ get; init; }} = null!;"
        );
    }

    private void Separated(IReadOnlyList<Port> ports, Action<Port> write)
    {
        for (int i = 0; i < ports.Count; i++)
        {
            if (i > 0)
            {
                code.Line();
            }
            write(ports[i]);
        }
    }
}
