using Lorq.Generators.Naming;

namespace Lorq.Generators.Emission;

/// <summary>Writes how the class of a model comes to its session: from a file, a resource or a stream; and its adapters.</summary>
internal sealed class LoadEmitter(Wrapper w, TypeNames names, CodeWriter code)
{
    private const string AdapterExtension = ".onnx_adapter";

    private string Session => names["LorqSession"];

    private string Options => $"{names["LorqSessionOptions"]}? options = null";

    public void Write()
    {
        code.Line(
                w.IsEmbedded
                    ? "/// <summary>Name of the assembly's resource that holds the model.</summary>"
                    : "/// <summary>Where the model lies, relative to the app's folder.</summary>"
            )
            .Line($"public const string {(w.IsEmbedded ? "ResourceName" : "ModelFile")} = {Texts.Literal(Place)};")
            .Line()
            .Line($"private {w.Name}({Session} session) => Session = session;")
            .Line()
            .Line("/// <summary>The session that runs the model, for what is not offered here.</summary>")
            .Line($"public {Session} Session {{ get; }}");
        FromPlace();
        FromPath();
        FromStream();
        if (w.Adapters.Count > 0)
        {
            Adapters();
        }
    }

    /// <summary>Writes what opens a resource, a member of the class.</summary>
    public void Helper()
    {
        if (!w.IsEmbedded)
        {
            return;
        }
        code.Line()
            .Line($"private static {names["Stream"]} Resource(string name) =>")
            .Line($"    typeof({w.Name}).Assembly.GetManifestResourceStream(name)")
            .Line($"    ?? throw new {names["FileNotFoundException"]}(\"The assembly has no resource '\" + name + \"'.\", name);");
    }

    private string Place => w.IsEmbedded ? w.ResourceName : w.ModelFile;

    private void FromPlace()
    {
        string settings = Options;
        code.Line()
            .Line(
                w.IsEmbedded
                    ? "/// <summary>Loads the model from the assembly's resource <see cref=\"ResourceName\"/>.</summary>"
                    : "/// <summary>Loads the model from <see cref=\"ModelFile\"/> in the app's folder.</summary>"
            );
        Docs(file: !w.IsEmbedded);
        if (!w.IsEmbedded)
        {
            code.Line($"public static {w.Name} Load({settings}) => Load({InFolder("ModelFile")}, options);");
            return;
        }
        code.Open($"public static {w.Name} Load({settings})")
            .Line($"using {names["Stream"]} model = Resource(ResourceName);")
            .Line("return Load(model, options);")
            .Close();
    }

    private void FromPath()
    {
        code.Line().Line("/// <summary>Loads the model from a file.</summary>").Line("/// <param name=\"path\">The file.</param>");
        Docs(file: true);
        code.Line($"public static {w.Name} Load(string path, {Options}) => new {w.Name}({Session}.Load(path, options));");
    }

    private void FromStream()
    {
        code.Line()
            .Line("/// <summary>Loads the model from a stream, which is read to its end and stays open.</summary>")
            .Line("/// <param name=\"model\">The content of a model file.</param>");
        Docs(file: false);
        code.Line($"public static {w.Name} Load({names["Stream"]} model, {Options}) => new {w.Name}({Session}.Load(model, options));");
    }

    private void Docs(bool file)
    {
        code.Line("/// <param name=\"options\">Providers, threads and checks; null: the CPU, with the defaults.</param>");
        if (file)
        {
            code.Line($"/// <exception cref=\"{names["FileNotFoundException"]}\">There is no such file.</exception>");
        }
        code.Line(
                $"/// <exception cref=\"{names["ArgumentException"]}\">An argument is null or empty, or the options list no provider.</exception>"
            )
            .Line($"/// <exception cref=\"{names["ManifestException"]}\">The model is not what its manifest says.</exception>")
            .Line($"/// <exception cref=\"{names["ProviderException"]}\">No provider of the options can be used.</exception>")
            .Line($"/// <exception cref=\"{names["OnnxRuntimeException"]}\">ONNX Runtime refuses the model.</exception>");
    }

    private void Adapters()
    {
        string folder = Place.Substring(0, Place.LastIndexOf('/') + 1);
        string file = $"{(folder.Length > 0 ? Texts.Literal(folder) + " + " : "")}adapter + {Texts.Literal(AdapterExtension)}";
        code.Line()
            .Line(
                $"/// <summary>Loads an adapter that came with the model, for calls that name it in <see cref=\"{w.Input}.Adapters\"/>.</summary>"
            )
            .Line("/// <param name=\"adapter\">Its name, one of <see cref=\"Adapters\"/>.</param>")
            .Line($"/// <exception cref=\"{names["FileNotFoundException"]}\">No adapter of this name came with the model.</exception>")
            .Line($"/// <exception cref=\"{names["ObjectDisposedException"]}\">The model is disposed.</exception>")
            .Line($"/// <exception cref=\"{names["OnnxRuntimeException"]}\">ONNX Runtime refuses the adapter.</exception>");
        if (w.IsEmbedded)
        {
            code.Open("public void LoadAdapter(string adapter)")
                .Line($"using {names["Stream"]} content = Resource({file});")
                .Line("Session.LoadAdapter(adapter, content);")
                .Close();
        }
        else
        {
            code.Line($"public void LoadAdapter(string adapter) => Session.LoadAdapter(adapter, {InFolder(file)});");
        }

        IReadOnlyList<string> constants = Identifiers.Properties(w.Adapters, "Adapter", "Adapters");
        code.Line().Line("/// <summary>Names of the adapters that came with the model.</summary>").Open("public static class Adapters");
        for (int i = 0; i < constants.Count; i++)
        {
            if (i > 0)
            {
                code.Line();
            }
            code.Line($"/// <summary>The adapter <c>{Texts.Xml(w.Adapters[i])}</c>.</summary>")
                .Line($"public const string {constants[i]} = {Texts.Literal(w.Adapters[i])};");
        }
        code.Close();
    }

    private string InFolder(string file) => $"{names["Path"]}.Combine({names["AppContext"]}.BaseDirectory, {file})";
}
