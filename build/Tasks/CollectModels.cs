using Lorq.Diagnostics;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace Lorq.Build;

/// <summary>Turns models whose files are made into the items of a build: what the generator reads and what is shipped.</summary>
public sealed class CollectModels : ModelsTask
{
    /// <summary>The namespace of wrappers without one of their own.</summary>
    public string RootNamespace { get; set; } = "";

    /// <summary>Manifests with the metadata that the generator reads.</summary>
    [Output]
    public ITaskItem[] Manifests { get; private set; } = [];

    /// <summary>Files to copy beside the application, with Link and CopyToOutputDirectory.</summary>
    [Output]
    public ITaskItem[] Files { get; private set; } = [];

    /// <summary>Models to embed, with LogicalName.</summary>
    [Output]
    public ITaskItem[] Resources { get; private set; } = [];

    /// <inheritdoc />
    public override bool Execute()
    {
        var manifests = new List<ITaskItem>();
        var files = new List<ITaskItem>();
        var resources = new List<ITaskItem>();
        foreach ((ITaskItem item, bool isCompressed) in Items)
        {
            ModelItem model;
            try
            {
                model = Model(item, isCompressed);
            }
            catch (BuildException)
            {
                // CheckModels has reported it, or an editor's build goes on without the item.
                continue;
            }
            if (!File.Exists(model.Manifest))
            {
                continue;
            }
            string resource = model.EmbedModel ? "Lorq/" + model.Link : "";
            var manifest = new TaskItem(model.Manifest);
            manifest.SetMetadata("LorqManifest", "true");
            manifest.SetMetadata("LorqNamespace", model.Namespace.Length > 0 ? model.Namespace : RootNamespace);
            manifest.SetMetadata("LorqClassName", model.ClassName);
            manifest.SetMetadata("LorqVisibility", model.Visibility);
            manifest.SetMetadata("LorqModelFile", model.Link);
            manifest.SetMetadata("LorqResourceName", resource);
            manifest.SetMetadata("Visible", "false");
            manifests.Add(manifest);
            if (!File.Exists(model.Output))
            {
                continue; // an editor's build: only the signature is known
            }
            string[] data = [.. Data(model)];
            if (!model.EmbedModel)
            {
                string copy = item.GetMetadata("CopyToOutputDirectory") is { Length: > 0 } wish ? wish : "PreserveNewest";
                string folder = model.Link.Substring(0, model.Link.LastIndexOf('/') + 1);
                files.Add(Shipped(model.Output, model.Link, copy));
                files.AddRange(data.Select(d => Shipped(d, folder + Below(Path.GetDirectoryName(model.Output)!, d), copy)));
            }
            else if (data.Length > 0)
            {
                Report(item, Catalogue.CannotEmbed.With(item.ItemSpec));
            }
            else
            {
                var embedded = new TaskItem(model.Output);
                embedded.SetMetadata("LogicalName", resource);
                embedded.SetMetadata("WithCulture", "false");
                resources.Add(embedded);
            }
        }
        Manifests = [.. manifests];
        Files = [.. files];
        Resources = [.. resources];
        return !Log.HasLoggedErrors;
    }

    /// <summary>The data files beside the shipped model.</summary>
    private static IEnumerable<string> Data(ModelItem model)
    {
        if (model.IsCompressed)
        {
            return File.Exists(model.Output + ".data") ? [model.Output + ".data"] : [];
        }
        // Of a plain model the compiler has read nothing but the model and its data.
        return Stamp.Read(model.StampFile)?.Files.Where(f => f != model.Model && f != model.Manifest) ?? [];
    }

    private static TaskItem Shipped(string file, string link, string copy)
    {
        var item = new TaskItem(file);
        item.SetMetadata("Link", link);
        item.SetMetadata("CopyToOutputDirectory", copy);
        item.SetMetadata("CopyToPublishDirectory", copy);
        item.SetMetadata("Visible", "false");
        item.SetMetadata("Pack", "false");
        return item;
    }

    private static string Below(string folder, string file) => file.Substring(folder.Length).TrimStart('/', '\\').Replace('\\', '/');
}
